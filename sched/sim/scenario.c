// SPDX-License-Identifier: GPL-2.0
/*
 * Scenario files. $NAME is replaced as the command line says. A line is a setting of the host, a VM, or a thread of the VM
 * above it, with its program; # begins a comment.
 *
 *     cpus 4                        seconds 20       tick 4ms
 *     switch 2us                    ipi 1us          warm-up 1s
 *     from 0                        to 3             CPUs that the threads below may use; real, or under queztl
 *     vm NAME[*COPIES] [weight N] [limit N]          limit: per 1000 of a CPU
 *     vcpu[*COPIES]: STEP; STEP; ...                 repeated for ever
 *     io[*COPIES]: STEP; STEP; ...                   another thread of the VMM
 *
 * Steps: run TIME, run-to-tick TIME, sleep TIME, send VM.N, receive, yield,
 * yield-to VM.N, begin, begin-ready, end. TIME is a number with ns, us, ms or s, and may have
 * ~PERCENT behind it: a different time each time, so much more or less. A latency
 * begins at begin, or, for begin-ready, when the thread could last begin to run,
 * such as at the end of its sleep. The threads of a VM are VM.0, VM.1 and so on; copies of a VM are VM1, VM2 ...
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sched/sim/sim.h"

static const char *file = "-D";
static int line_number;

__attribute__((noreturn, format(printf, 1, 2)))
static void fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", file, line_number);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

static struct {
	char name[SIM_NAME], value[SIM_NAME];
} definitions[SIM_DEFINITIONS];
static int ndefinitions;

/* NAME=VALUE */
void sim_define(const char *text)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text || equals - text >= SIM_NAME || strlen(equals + 1) >= SIM_NAME)
		fail("'%s' is not NAME=VALUE", text);
	if (ndefinitions == SIM_DEFINITIONS)
		fail("more than %d", SIM_DEFINITIONS);
	memcpy(definitions[ndefinitions].name, text, equals - text);
	strcpy(definitions[ndefinitions++].value, equals + 1);
}

static const char *value_of(const char *name, size_t length)
{
	for (int i = ndefinitions; i--;)
		if (strlen(definitions[i].name) == length && !memcmp(definitions[i].name, name, length))
			return definitions[i].value;
	fail("'%.*s' has no value: give -D %.*s=VALUE", (int)length, name, (int)length, name);
}

/* Replace each $NAME in a line. */
static void expand(char *line, size_t size)
{
	char copy[1024], *dollar;

	while ((dollar = strchr(line, '$'))) {
		size_t length = strspn(dollar + 1, "abcdefghijklmnopqrstuvwxyz_");
		const char *value = value_of(dollar + 1, length);

		if ((size_t)snprintf(copy, sizeof(copy), "%.*s%s%s", (int)(dollar - line), line, value,
				     dollar + 1 + length) >= size)
			fail("the line is too long");
		strcpy(line, copy);
	}
}

static char *word(char **at)
{
	char *begin = *at, *end;

	while (isspace((unsigned char)*begin))
		begin++;
	for (end = begin; *end && !isspace((unsigned char)*end);)
		end++;
	*at = *end ? end + 1 : end;
	*end = '\0';
	return begin;
}

static u64 number(const char *text, u64 least, u64 most)
{
	char *end;
	u64 value = strtoull(text, &end, 10);

	if (!*text || *end || value < least || value > most)
		fail("'%s' is not a number from %llu to %llu", text,
		     (unsigned long long)least, (unsigned long long)most);
	return value;
}

static u64 duration(const char *text, u64 *spread)
{
	static const struct { const char *name; u64 ns; } units[] = {
		{ "ns", 1 }, { "us", NSEC_PER_USEC }, { "ms", NSEC_PER_MSEC },
		{ "s", NSEC_PER_SEC },
	};
	char *end, *tilde;
	double value = strtod(text, &end);

	tilde = strchr(end, '~');
	if (tilde) {
		if (!spread)
			fail("'%s' has to be the same each time", text);
		*tilde = '\0';
		*spread = number(tilde + 1, 0, 100);
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (end != text && value >= 0 && !strcmp(end, units[i].name))
			return value * units[i].ns;
	fail("'%s' is not a time", text);
}

static void read_step(struct sim_op *op, char *text)
{
	static const struct { const char *name; enum sim_op_kind kind; char operand; } steps[] = {
		{ "run", SIM_RUN, 't' }, { "run-to-tick", SIM_RUN_TO_TICK, 't' },
		{ "sleep", SIM_SLEEP, 't' }, { "send", SIM_SEND, 'n' },
		{ "receive", SIM_RECEIVE, 0 }, { "yield", SIM_YIELD, 0 },
		{ "yield-to", SIM_YIELD_TO, 'n' }, { "begin", SIM_BEGIN, 0 },
		{ "begin-ready", SIM_BEGIN, 'r' },
		{ "end", SIM_END, 0 },
	};
	const char *name = word(&text);
	char *operand = word(&text);

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (strcmp(name, steps[i].name))
			continue;
		op->kind = steps[i].kind;
		if ((steps[i].operand == 't' || steps[i].operand == 'n') != !!*operand)
			fail("'%s' takes %s operand", name, *operand ? "no" : "an");
		if (steps[i].operand == 't')
			op->ns = duration(operand, &op->spread);
		else if (steps[i].operand == 'r')
			op->ns = 1;
		else
			snprintf(op->name, sizeof(op->name), "%s", operand);
		return;
	}
	fail("'%s' is not a step", name);
}

/* NAME*COPIES: cuts the name off. */
static int copies(char *name)
{
	char *star = strchr(name, '*');

	if (!star)
		return 1;
	*star = '\0';
	return number(star + 1, 1, SIM_TASKS);
}

/* Of the threads that are read next. */
static int first_cpu, last_cpu = SIM_CPUS - 1;

static struct sim_vm *add_vm(struct sim *sim, const char *name, int copy, u32 weight, u32 limit)
{
	struct sim_vm *vm = &sim->vms[sim->nvms];

	if (sim->nvms == SIM_VMS)
		fail("more than %d VMs", SIM_VMS);
	vm->index = sim->nvms++;
	if (copy)
		snprintf(vm->name, sizeof(vm->name), "%.16s%u", name, copy & 0xffff);
	else
		snprintf(vm->name, sizeof(vm->name), "%s", name);
	vm->weight = weight;
	vm->limit = limit;
	return vm;
}

static int read_vm(struct sim *sim, char *rest)
{
	char *name = word(&rest), *key;
	int n = copies(name);
	u32 weight = QZ_SCHED_WEIGHT, limit = 0;

	while (*(key = word(&rest))) {
		if (!strcmp(key, "weight"))
			weight = number(word(&rest), 1, 10000);
		else if (!strcmp(key, "limit"))
			limit = number(word(&rest), 1, 1000 * SIM_CPUS);
		else
			fail("'%s' is neither weight nor limit", key);
	}
	for (int i = 1; i <= n; i++)
		add_vm(sim, name, n > 1 ? i : 0, weight, limit);
	return n;
}

static void add_task(struct sim *sim, struct sim_vm *vm, bool vcpu, const char *program)
{
	struct sim_task *task = &sim->tasks[sim->ntasks];
	char *text = strdup(program), *at = text, *step;

	if (sim->ntasks == SIM_TASKS)
		fail("more than %d threads", SIM_TASKS);
	task->index = sim->ntasks++;
	task->vm = vm;
	task->vcpu = vcpu;
	vm->nvcpus += vcpu;
	task->from = first_cpu;
	task->to = last_cpu;
	task->thread.turn = QZ_SCHED_START;
	task->key = QZ_SCHED_START;
	snprintf(task->name, sizeof(task->name), "%.16s.%d", vm->name, vm->ntasks++);
	while ((step = strsep(&at, ";"))) {
		if (task->nops == SIM_OPS)
			fail("more than %d steps", SIM_OPS);
		read_step(&task->ops[task->nops++], step);
	}
	free(text);
}

/* A thread, of the last @nvms VMs. */
static void read_thread(struct sim *sim, char *text, int nvms)
{
	char *colon = strchr(text, ':'), *name;
	int n;

	if (!colon)
		fail("'%s' is not a setting, a VM or a thread", word(&text));
	*colon = '\0';
	name = word(&text);
	n = copies(name);
	if (!nvms)
		fail("a thread needs a VM above it");
	if (strcmp(name, "vcpu") && strcmp(name, "io"))
		fail("a thread is vcpu or io, not '%s'", name);
	for (int vm = sim->nvms - nvms; vm < sim->nvms; vm++)
		for (int i = 0; i < n; i++)
			add_task(sim, &sim->vms[vm], *name == 'v', colon + 1);
}

static bool read_setting(struct sim *sim, const char *key, const char *value)
{
	if (!strcmp(key, "cpus"))
		sim->ncpus = number(value, 1, SIM_CPUS);
	else if (!strcmp(key, "from"))
		first_cpu = number(value, 0, SIM_CPUS - 1);
	else if (!strcmp(key, "to"))
		last_cpu = number(value, 0, SIM_CPUS - 1);
	else if (!strcmp(key, "seconds"))
		sim->end = number(value, 1, 3600) * NSEC_PER_SEC;
	else if (!strcmp(key, "tick"))
		sim->tick = duration(value, NULL);
	else if (!strcmp(key, "switch"))
		sim->switch_cost = duration(value, NULL);
	else if (!strcmp(key, "ipi"))
		sim->ipi = duration(value, NULL);
	else if (!strcmp(key, "warm-up"))
		sim->warm_up = duration(value, NULL);
	else
		return false;
	return true;
}

static void resolve(struct sim *sim, struct sim_op *op)
{
	if (!*op->name)
		return;
	for (int i = 0; i < sim->ntasks; i++)
		if (!strcmp(sim->tasks[i].name, op->name))
			op->to = &sim->tasks[i];
	if (!op->to)
		fail("there is no thread '%s'", op->name);
}

void sim_read(struct sim *sim, const char *path)
{
	FILE *in = fopen(path, "r");
	char line[1024], copy[1024], *text, *key;
	int nvms = 0;

	file = path;
	line_number = 0;
	if (!in)
		fail("cannot be read");
	while (fgets(line, sizeof(line), in)) {
		line_number++;
		line[strcspn(line, "#\n")] = '\0';
		expand(line, sizeof(line));
		strcpy(copy, line);
		text = line;
		key = word(&text);
		if (!*key || read_setting(sim, key, text))
			continue;
		if (!strcmp(key, "vm"))
			nvms = read_vm(sim, text);
		else
			read_thread(sim, copy, nvms);
	}
	fclose(in);
	for (int i = 0; i < sim->ntasks; i++)
		for (int op = 0; op < sim->tasks[i].nops; op++)
			resolve(sim, &sim->tasks[i].ops[op]);
	if (!sim->ntasks)
		fail("no thread");
}
