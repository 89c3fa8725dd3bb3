// SPDX-License-Identifier: GPL-2.0
#include <unistd.h>

#include <queztl.h>

#include "cli.h"
#include "fail.h"
#include "json.h"
#include "options.h"
#include "scheduler.h"

static json_t *features_json(uint64_t features)
{
	json_t *list = json_array();

	for (int bit = 0; bit < 64; bit++) {
		const char *name = queztl_feature_name(features & 1ULL << bit);

		if (name)
			json_array_append_new(list, json_string(name));
	}
	return list;
}

/* What divides the CPUs between VMs. */
static const char *scheduler_name(const struct sched_state *state)
{
	if (state->on)
		return tier_name(state->tier);
	return *state->other ? state->other : NULL;
}

static void print_info_json(struct cli *cli, const struct queztl_info *info,
			    const struct sched_state *sched, enum tier best)
{
	json_t *object = json_object();

	set_text(object, "program", LIBQUEZTL_VERSION);
	set_text(object, "module", info->module);
	set_text(object, "kernel", info->kernel);
	set_count(object, "abi_version", info->abi_version);
	set_json(object, "features", features_json(info->features));
	set_count(object, "vms", info->vms);
	set_count(object, "fabrics", info->fabrics);
	set_text(object, "scheduler", scheduler_name(sched));
	set_text(object, "scheduler_available", tier_name(best));
	print_json(object, cli->out, false);
}

static void print_features(struct cli *cli, uint64_t features)
{
	static const struct {
		uint64_t feature;
		const char *text;
	} known[] = {
		{ QUEZTL_F_FABRIC, "fabrics of vDPA ports" },
		{ QUEZTL_F_DIRECT, "packets delivered in the sender's thread" },
		{ QUEZTL_F_CHANNEL, "zero-copy channels" },
		{ QUEZTL_F_SCHED, "native VM-aware scheduler" },
		{ QUEZTL_F_POLICY, "peers, addresses and rates of ports" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		fprintf(cli->out, "%-10s%-9s%-5s%s\n", i ? "" : "features",
			queztl_feature_name(known[i].feature),
			features & known[i].feature ? "yes" : "no",
			known[i].text);
}

static void print_scheduler(struct cli *cli, const struct sched_state *sched,
			    enum tier best, const char *missing)
{
	const char *name = scheduler_name(sched);

	fprintf(cli->out, "%-10s%s", "scheduler", name ? name : "off");
	if (!sched->on)
		fprintf(cli->out, "; available: %s", tier_name(best));
	if (!sched->on && *missing)
		fprintf(cli->out, " (%s)", missing);
	fputc('\n', cli->out);
}

static void print_info(struct cli *cli, const struct queztl_info *info)
{
	fprintf(cli->out, "%-10s%s (ABI version %u)\n", "module",
		info->module, info->abi_version);
	fprintf(cli->out, "%-10s%s (ABI version %u)\n", "program",
		LIBQUEZTL_VERSION, QUEZTL_ABI_VERSION);
	fprintf(cli->out, "%-10s%s\n", "kernel", info->kernel);
	print_features(cli, info->features);
	fprintf(cli->out, "%-10s%u\n", "VMs", info->vms);
	fprintf(cli->out, "%-10s%u\n", "fabrics", info->fabrics);
}

int run_info(struct cli *cli, int argc, char **argv)
{
	char missing[REASON_ROOM];
	struct sched_state sched;
	struct queztl_info info;
	enum tier best;
	int code = expect_words(cli, argc, argv, 0);
	int ret, fd;

	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	ret = queztl_get_info(fd, &info);
	close(fd);
	if (ret)
		return fail_errno(cli, ret, "cannot read the version of the module");
	best = best_tier(missing);
	read_sched_state(&sched);
	if (cli->json) {
		print_info_json(cli, &info, &sched, best);
	} else {
		print_info(cli, &info);
		print_scheduler(cli, &sched, best, missing);
	}
	return EXIT_OK;
}
