// SPDX-License-Identifier: GPL-2.0
/*
 * From one configuration to another by commands, one after the other: in between, some
 * ports have their new settings and others the old ones. Only for the settings of one
 * port and for peers does the order see to it that no more is allowed than by one of
 * the two configurations, or by both together.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "config_plan.h"
#include "fail.h"
#include "memory.h"

struct planner {
	struct cli *cli;
	const struct config *now;
	const struct config *wanted;
	const struct config *owned;
	struct plan *plan;
};

/* What cannot be changed while a port exists. */
static const enum setting_index fixed[] = {
	OF_FABRIC, MAC, MTU, PAIRS, MIGRATABLE, FOR, OWNER,
};

/* What one `queztl port set` changes. */
static const enum setting_index set[] = { RATE, PPS, FLOOD, LINK, VLAN, MACS };

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static void add_word(struct step *step, const char *word)
{
	char *copy = strdup(word);

	if (!copy)
		out_of_memory();
	step->argv = grow(step->argv, (step->argc + 2) * sizeof(*step->argv));
	step->argv[step->argc++] = copy;
	step->argv[step->argc] = NULL;
}

/* Words with spaces in between. */
static void add_words(struct step *step, const char *words)
{
	char *copy = strdup(words), *rest = copy, *word;

	if (!copy)
		out_of_memory();
	while ((word = strsep(&rest, " ")))
		if (*word)
			add_word(step, word);
	free(copy);
}

static struct step *begin_step(struct planner *p, const struct object *object,
			       const char *command, const char *name)
{
	struct plan *plan = p->plan;
	struct step *step;

	plan->steps = grow(plan->steps,
			   (plan->count + 1) * sizeof(*plan->steps));
	step = &plan->steps[plan->count++];
	*step = (struct step){ .object = object };
	add_words(step, command);
	add_word(step, name);
	return step;
}

void free_plan(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		for (int w = 0; w < plan->steps[i].argc; w++)
			free(plan->steps[i].argv[w]);
		free(plan->steps[i].argv);
	}
	free(plan->steps);
	*plan = (struct plan){ 0 };
}

static bool differs(const struct object *now, const struct object *wanted,
		    enum setting_index setting)
{
	const char *have = value_of(now, setting);
	const char *want = value_of(wanted, setting);

	return want && (!have || strcmp(have, want));
}

/* Is it the same device? What is not said may be as it is. */
static bool is_same(const struct object *now, const struct object *wanted)
{
	for (size_t i = 0; i < COUNT(fixed); i++)
		if (differs(now, wanted, fixed[i]))
			return false;
	return true;
}

/* What `wanted` has under this name now; NULL: nothing, or it has to go. */
static const struct object *have(struct planner *p, const struct object *wanted)
{
	const struct object *now = find_object(p->now, wanted->kind,
					       wanted->name);

	return now && (now->kind == FABRIC || is_same(now, wanted)) ? now : NULL;
}

static bool has_to_go(struct planner *p, const struct object *now)
{
	const struct object *wanted = find_object(p->wanted, now->kind,
						  now->name);

	if (wanted)
		return now->kind == PORT && !is_same(now, wanted);
	return find_object(p->owned, now->kind, now->name);
}

static int refuse_busy(struct planner *p, const struct object *now)
{
	const struct object *wanted = find_object(p->wanted, PORT, now->name);

	if (!wanted)
		return fail(p->cli, EXIT_FAILED,
			    "port %s is no longer in the configuration, but is in use: stop what uses it (queztl port show %s)",
			    now->name, now->name);
	for (size_t i = 0; i < COUNT(fixed); i++) {
		enum setting_index s = fixed[i];

		if (differs(now, wanted, s))
			return fail(p->cli, EXIT_FAILED,
				    "%s:%d: port %s: %s cannot change from %s to %s while the port is in use: stop what uses it (queztl port show %s)",
				    wanted->file ? wanted->file : "-",
				    wanted->line, now->name, settings[s].name,
				    value_of(now, s), value_of(wanted, s),
				    now->name);
	}
	return EXIT_OK;
}

static int check_busy(struct planner *p)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < p->now->count; i++) {
		const struct object *now = &p->now->objects[i];

		if (now->kind == PORT && now->busy && has_to_go(p, now))
			code = refuse_busy(p, now);
	}
	return code;
}

static void take_away(struct planner *p, const struct object *now)
{
	const struct object *wanted = find_object(p->wanted, PORT, now->name);

	if (has_to_go(p, now)) {
		begin_step(p, wanted, "port del", now->name);
		return;
	}
	if (!wanted)
		return;
	if (strcmp(value_of(now, MIRROR), "none") &&
	    differs(now, wanted, MIRROR))
		add_word(begin_step(p, wanted, "port mirror", now->name), "off");
	if (!strcmp(value_of(now, UPLINK), "yes") &&
	    differs(now, wanted, UPLINK))
		add_word(begin_step(p, wanted, "port uplink", now->name), "off");
}

static void remove_fabrics(struct planner *p)
{
	for (size_t i = 0; i < p->now->count; i++) {
		const struct object *now = &p->now->objects[i];

		if (now->kind == FABRIC && has_to_go(p, now))
			begin_step(p, NULL, "fabric del", now->name);
	}
}

static void set_reserved(struct planner *p, const struct object *now,
			 const struct object *fabric)
{
	struct step *step;

	if (!differs(now, fabric, RESERVED))
		return;
	step = begin_step(p, fabric, "fabric set", fabric->name);
	add_word(step, "reserved");
	add_word(step, value_of(fabric, RESERVED));
}

static void make_fabric(struct planner *p, const struct object *fabric)
{
	const struct object *now = have(p, fabric);

	if (!now) {
		struct step *step = begin_step(p, fabric, "fabric add",
					       fabric->name);

		if (!strcmp(value_of(fabric, MODE), "deny"))
			add_word(step, "--deny");
	}
	set_reserved(p, now, fabric);
}

static void make_port(struct planner *p, const struct object *port)
{
	static const enum setting_index words[] = { MAC, MTU, PAIRS, FOR };
	struct step *step;

	if (have(p, port))
		return;
	step = begin_step(p, port, "port add", port->name);
	add_word(step, value_of(port, OF_FABRIC));
	for (size_t i = 0; i < COUNT(words); i++) {
		if (!value_of(port, words[i]))
			continue;
		add_word(step, settings[words[i]].name);
		add_word(step, value_of(port, words[i]));
	}
	if (strcmp(value_of(port, OWNER), "root")) {
		add_word(step, "owner");
		add_word(step, value_of(port, OWNER));
	}
	if (!strcmp(value_of(port, MIGRATABLE), "yes"))
		add_word(step, "migratable");
}

/* A word for each setting, and its value; those of VLAN have it in themselves. */
static void set_port(struct planner *p, const struct object *port)
{
	const struct object *now = have(p, port);
	struct step *step = NULL;

	for (size_t i = 0; i < COUNT(set); i++) {
		if (!differs(now, port, set[i]))
			continue;
		if (!step)
			step = begin_step(p, port, "port set", port->name);
		if (set[i] != VLAN)
			add_word(step, settings[set[i]].name);
		add_words(step, value_of(port, set[i]));
	}
}

/* Each word of a list that another one does not have becomes a step. */
static void change_addresses(struct planner *p, const struct object *port,
			     const char *command, const char *these,
			     const char *those)
{
	char *copy = strdup(these), *rest = copy, *word;

	if (!copy)
		out_of_memory();
	while ((word = strsep(&rest, " ")))
		if (*word && !has_word(those, word))
			add_word(begin_step(p, port, command, port->name), word);
	free(copy);
}

/* An address less can mean any, so the new ones come first. */
static void set_addresses(struct planner *p, const struct object *port)
{
	const char *have_now = value_of(have(p, port), ADDRESSES);
	const char *wants = value_of(port, ADDRESSES);

	change_addresses(p, port, "addr add", wants, have_now);
	change_addresses(p, port, "addr del", have_now, wants);
}

static const char *peers_now(struct planner *p, const struct object *port)
{
	const struct object *now = have(p, port);

	return value_of(now, PEERS);
}

/* Of a pair, one port has the step. One that is made anew has no peers yet. */
static void allow_peers(struct planner *p, const struct object *port)
{
	char *copy = strdup(value_of(port, PEERS)), *rest = copy, *word;
	struct step *step = NULL;

	if (!copy)
		out_of_memory();
	while ((word = strsep(&rest, " "))) {
		const struct object *peer = *word ? find_object(p->wanted, PORT,
								word) : NULL;

		if (!peer || strcmp(port->name, word) > 0)
			continue;
		if (have(p, peer) && has_word(peers_now(p, port), word))
			continue;
		if (!step)
			step = begin_step(p, port, "policy allow", port->name);
		add_word(step, word);
	}
	free(copy);
}

/* Peers that the configuration does not know are not its business. */
static void forbid_peers(struct planner *p, const struct object *port)
{
	char *copy = strdup(peers_now(p, port)), *rest = copy, *word;

	if (!copy)
		out_of_memory();
	while ((word = strsep(&rest, " "))) {
		const struct object *peer = *word ? find_object(p->wanted, PORT,
								word) : NULL;

		if (peer && have(p, peer) && strcmp(port->name, word) < 0 &&
		    !has_word(value_of(port, PEERS), word))
			add_word(begin_step(p, port, "policy forbid",
					    port->name), word);
	}
	free(copy);
}

static void set_mode(struct planner *p, const struct object *fabric)
{
	const struct object *now = have(p, fabric);

	if (now && differs(now, fabric, MODE))
		add_word(begin_step(p, fabric, "fabric set", fabric->name),
			 value_of(fabric, MODE));
}

static void set_role(struct planner *p, const struct object *port)
{
	const struct object *now = have(p, port);
	const char *mirror = value_of(port, MIRROR);
	const struct object *target = find_object(p->wanted, PORT, mirror);

	if (!strcmp(value_of(port, UPLINK), "yes") && differs(now, port, UPLINK))
		add_word(begin_step(p, port, "port uplink", port->name), "on");
	/* A mirror that is made anew is forgotten by those that it had. */
	if (target && (differs(now, port, MIRROR) || !have(p, target))) {
		struct step *step = begin_step(p, port, "port mirror",
					       port->name);

		add_word(step, "to");
		add_word(step, mirror);
	}
}

static void for_each(struct planner *p, const struct config *config,
		     enum object_kind kind,
		     void (*fn)(struct planner *p, const struct object *object))
{
	for (size_t i = 0; i < config->count; i++)
		if (config->objects[i].kind == kind)
			fn(p, &config->objects[i]);
}

int make_plan(struct cli *cli, const struct config *now,
	      const struct config *wanted, const struct config *owned,
	      struct plan *plan)
{
	struct planner p = { cli, now, wanted, owned, plan };
	int code = check_busy(&p);

	if (code)
		return code;
	for_each(&p, now, PORT, take_away);
	remove_fabrics(&p);
	for_each(&p, wanted, FABRIC, make_fabric);
	for_each(&p, wanted, PORT, make_port);
	for_each(&p, wanted, PORT, forbid_peers);
	for_each(&p, wanted, PORT, set_port);
	for_each(&p, wanted, PORT, set_addresses);
	for_each(&p, wanted, PORT, allow_peers);
	for_each(&p, wanted, FABRIC, set_mode);
	for_each(&p, wanted, PORT, set_role);
	return EXIT_OK;
}
