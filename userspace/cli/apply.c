// SPDX-License-Identifier: GPL-2.0
/*
 * Makes the host as its configuration says, all of it or nothing: if a step fails,
 * the way back is planned as the way there was.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <queztl.h>

#include "applied.h"
#include "cli.h"
#include "config.h"
#include "config_plan.h"
#include "fail.h"
#include "find.h"
#include "json.h"
#include "options.h"
#include "portlink.h"
#include "worker.h"

struct job {
	int fd;			/* of the device; negative: none */
	struct config wanted;
	struct config owned;	/* what was applied the last time */
	struct config old;	/* what there was before */
	struct plan plan;
};

static int read_now(struct cli *cli, int fd, struct config *now)
{
	int ret = fd < 0 ? 0 : read_config_of(fd, now);

	return ret ? fail_errno(cli, ret, "cannot read what the module has") :
		     EXIT_OK;
}

/* A host without a configuration need not have the module. */
static int open_module(struct cli *cli, struct job *job)
{
	int code = EXIT_OK;

	job->fd = -1;
	if (job->wanted.count || job->owned.count)
		job->fd = open_device(cli, &code);
	return code;
}

static int prepare(struct cli *cli, struct job *job)
{
	int code = read_applied(cli, &job->owned);

	if (!code)
		code = open_module(cli, job);
	if (!code)
		code = read_now(cli, job->fd, &job->old);
	return code ? code : make_plan(cli, &job->old, &job->wanted, &job->owned,
				       &job->plan);
}

static void free_job(struct job *job)
{
	if (job->fd >= 0)
		close(job->fd);
	free_plan(&job->plan);
	free_config(&job->old);
	free_config(&job->owned);
	free_config(&job->wanted);
}

static void print_words(FILE *to, const struct step *step)
{
	fputs("queztl", to);
	for (int i = 0; i < step->argc; i++)
		fprintf(to, " %s", step->argv[i]);
}

static void explain(struct cli *cli, const struct step *step, const char *why)
{
	const struct object *object = step->object;

	fputs("queztl: ", cli->err);
	if (object && object->file)
		fprintf(cli->err, "%s:%d: ", object->file, object->line);
	fputs("this failed: ", cli->err);
	print_words(cli->err, step);
	fprintf(cli->err, "\n%s", why);
}

/* A command, without what it says if it succeeds. */
static int run_step(struct cli *cli, const struct step *step)
{
	struct found found = find_command(commands, step->argc, step->argv);
	char *said = NULL, *why = NULL;
	size_t said_size, why_size;
	struct cli quiet = { .command = found.command };
	int code = EXIT_FAILED;

	quiet.out = open_memstream(&said, &said_size);
	quiet.err = open_memstream(&why, &why_size);
	if (quiet.out && quiet.err && found.command)
		code = found.command->run(&quiet, step->argc - found.words,
					  step->argv + found.words);
	if (quiet.out)
		fclose(quiet.out);
	if (quiet.err)
		fclose(quiet.err);
	if (code)
		explain(cli, step, why ? why : "");
	else if (why && *why)
		fputs(why, cli->err);	/* a warning */
	free(said);
	free(why);
	return code;
}

static int run_plan(struct cli *cli, const struct plan *plan)
{
	int code = EXIT_OK;

	for (size_t i = 0; !code && i < plan->count; i++)
		code = run_step(cli, &plan->steps[i]);
	return code;
}

/* What there was before. What there was not, and is wanted, may have been made. */
static int go_back(struct cli *cli, void *ctx)
{
	struct job *job = ctx;
	struct config now = { 0 };
	struct plan plan = { 0 };
	int code = read_now(cli, job->fd, &now);

	if (!code)
		code = make_plan(cli, &now, &job->old, &job->wanted, &plan);
	if (!code)
		code = run_plan(cli, &plan);
	if (!code)
		code = write_applied(cli, &job->owned);
	fputs(code ? "queztl: not everything could be undone: see queztl apply --dry-run\n" :
		     "queztl: nothing was changed\n", cli->err);
	free_plan(&plan);
	free_config(&now);
	return code;
}

static int go(struct cli *cli, void *ctx)
{
	struct job *job = ctx;
	int code = write_both_applied(cli, &job->wanted, &job->owned);

	if (code) {
		/* The old file is still there, and another could not be written. */
		fputs("queztl: nothing was changed\n", cli->err);
		return code;
	}
	code = run_plan(cli, &job->plan);
	if (!code)
		code = write_applied(cli, &job->wanted);
	if (code)
		go_back(cli, job);
	return code;
}

/* Somebody who ends this process does not leave half of it behind. */
static int carry_out(struct cli *cli, struct job *job)
{
	int code = run_in_worker(cli, go, job);

	if (code != WORKER_KILLED)
		return code;
	run_in_worker(cli, go_back, job);
	return fail(cli, EXIT_FAILED,
		    "the process that made the changes was killed: see dmesg");
}

static void print_plan(struct cli *cli, const struct job *job)
{
	for (size_t i = 0; i < job->plan.count; i++) {
		print_words(cli->out, &job->plan.steps[i]);
		fputc('\n', cli->out);
	}
	if (!job->plan.count)
		fputs("nothing to do\n", cli->out);
}

static void print_plan_json(struct cli *cli, const struct job *job, bool done)
{
	json_t *object = json_object(), *steps = json_array();

	for (size_t i = 0; i < job->plan.count; i++) {
		const struct step *step = &job->plan.steps[i];
		json_t *words = json_array();

		for (int w = 0; w < step->argc; w++)
			json_array_append_new(words, json_string(step->argv[w]));
		json_array_append_new(steps, words);
	}
	set_json(object, "commands", steps);
	set_json(object, "done", json_boolean(done));
	print_json(object, cli->out, false);
}

static void print_differences(struct cli *cli, const struct object *now,
			      const struct object *wanted)
{
	const struct object *object = wanted ? wanted : now;

	for (int s = 0; s < SETTING_COUNT; s++) {
		const char *old = now ? value_of(now, s) : NULL;
		const char *new = wanted ? value_of(wanted, s) : NULL;

		if (settings[s].kind != object->kind ||
		    (wanted && !new) || (old && new && !strcmp(old, new)))
			continue;
		if (old && *old)
			fprintf(cli->out, "-%s %s: %s = %s\n",
				kind_name(object->kind), object->name,
				settings[s].name, old);
		if (new && *new)
			fprintf(cli->out, "+%s %s: %s = %s\n",
				kind_name(object->kind), object->name,
				settings[s].name, new);
	}
}

/* What is neither wanted nor owned is left alone, and not shown. */
static void print_diff(struct cli *cli, const struct job *job)
{
	for (size_t i = 0; i < job->old.count; i++) {
		const struct object *now = &job->old.objects[i];

		if (!find_object(&job->wanted, now->kind, now->name) &&
		    find_object(&job->owned, now->kind, now->name))
			print_differences(cli, now, NULL);
	}
	for (size_t i = 0; i < job->wanted.count; i++) {
		const struct object *wanted = &job->wanted.objects[i];

		print_differences(cli, find_object(&job->old, wanted->kind,
						   wanted->name), wanted);
	}
}

static int apply(struct cli *cli, struct job *job, bool dry, bool diff)
{
	int code = prepare(cli, job);

	if (!code && diff && !cli->json)
		print_diff(cli, job);
	if (!code && !dry && (job->wanted.count || job->owned.count))
		code = carry_out(cli, job);
	if (!code && cli->json)
		print_plan_json(cli, job, !dry);
	else if (!code && (dry ? !diff || !job->plan.count : !job->plan.count))
		print_plan(cli, job);
	return code;
}

/*
 * The files in their usual place are read with the lock held: the last of two
 * applies has the newest. Those that are named may be pipes or a terminal.
 */
static int apply_locked(struct cli *cli, struct job *job, bool named, bool diff)
{
	int lock = lock_applied(), code = EXIT_OK;

	if (lock < 0)
		return fail_errno(cli, lock, "cannot lock %s/apply.lock",
				  run_root);
	if (!named)
		code = read_config_files(cli, 0, NULL, &job->wanted);
	if (!code)
		code = apply(cli, job, false, diff);
	/* A worker has it, too: it ends with the last of the two. */
	close(lock);
	return code;
}

static int expect_files(struct cli *cli, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (argv[i][0] == '-' && argv[i][1])
			return fail(cli, EXIT_USAGE,
				    "unknown option '%s': see queztl %s --help",
				    argv[i], cli->command->name);
	return EXIT_OK;
}

int run_apply(struct cli *cli, int argc, char **argv)
{
	bool dry = take_flag(&argc, argv, "--dry-run");
	bool diff = take_flag(&argc, argv, "--diff");
	struct job job = { .fd = -1 };
	int code = expect_files(cli, argc, argv);

	if (!code && (dry || argc))
		code = read_config_files(cli, argc, argv, &job.wanted);
	if (!code && dry)
		code = apply(cli, &job, true, diff);
	else if (!code)
		code = apply_locked(cli, &job, argc, diff);
	free_job(&job);
	return code;
}

int run_check(struct cli *cli, int argc, char **argv)
{
	struct config config = { 0 };
	int code = expect_files(cli, argc, argv);
	size_t count[2] = { 0 };

	if (!code)
		code = read_config_files(cli, argc, argv, &config);
	for (size_t i = 0; i < config.count; i++)
		count[config.objects[i].kind]++;
	if (!code && cli->json) {
		json_t *object = json_object();

		set_count(object, "fabrics", count[FABRIC]);
		set_count(object, "ports", count[PORT]);
		print_json(object, cli->out, false);
	} else if (!code) {
		fprintf(cli->out, "ok: %zu fabric%s, %zu port%s\n",
			count[FABRIC], count[FABRIC] == 1 ? "" : "s",
			count[PORT], count[PORT] == 1 ? "" : "s");
	}
	free_config(&config);
	return code;
}

int run_save(struct cli *cli, int argc, char **argv)
{
	int code = expect_between(cli, argc, argv, 0, 1);
	struct config now = { 0 };
	int ret = 0, fd;

	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	code = read_now(cli, fd, &now);
	close(fd);
	if (!code && argc)
		ret = write_config(argv[0], &now);
	else if (!code)
		print_config(&now, cli->out);
	free_config(&now);
	return ret ? fail_errno(cli, ret, "cannot write %s", argv[0]) : code;
}
