// SPDX-License-Identifier: GPL-2.0
/* What queztl exporter tells of this host, and how all of it is read. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "exposition.h"
#include "metrics.h"

static bool is_absent(int ret)
{
	return ret == -ENOENT || ret == -ENODEV || ret == -ENXIO;
}

static int read_module(struct metrics *m)
{
	int fd = queztl_open();
	int ret;

	if (fd < 0)
		return is_absent(fd) ? 0 : fd;
	ret = queztl_get_info(fd, &m->info);
	if (!ret)
		ret = read_counters(fd, &m->shot);
	close(fd);
	m->up = !ret;
	return ret;
}

int read_metrics(struct usage_reader *reader, const struct sample *before,
		 struct metrics *m)
{
	int ret = read_module(m);

	m->has_usage = !check_accounting();
	if (!ret && m->has_usage)
		ret = read_sample(reader, before, &m->sample);
	return ret;
}

void free_metrics(struct metrics *m)
{
	free_snapshot(&m->shot);
}

static void print_info(FILE *to, const struct metrics *m)
{
	char abi[16];
	const struct label labels[] = {
		{ "program", LIBQUEZTL_VERSION },
		{ "module", m->info.module },
		{ "abi", abi },
		{ "kernel", m->info.kernel },
		{ NULL, NULL }
	};

	snprintf(abi, sizeof(abi), "%u", m->info.abi_version);
	begin_metric(to, "queztl_info", GAUGE,
		     "Versions of this program, the module, its ABI and the kernel; always 1.");
	print_count(to, "queztl_info", labels, 1);
}

static void print_features(FILE *to, uint64_t features)
{
	static const char name[] = "queztl_feature_enabled";

	begin_metric(to, name, GAUGE,
		     "1 if this kernel has the feature; without direct, packets are delivered by a worker.");
	for (int bit = 0; bit < 64; bit++) {
		struct label labels[] = {
			{ "feature", queztl_feature_name(1ULL << bit) },
			{ NULL, NULL }
		};

		if (labels[0].value)
			print_count(to, name, labels, features >> bit & 1);
	}
}

static void print_gauge(FILE *to, const char *name, const char *help,
			uint64_t number)
{
	begin_metric(to, name, GAUGE, help);
	print_count(to, name, NULL, number);
}

void print_metrics(FILE *to, const struct metrics *m)
{
	print_gauge(to, "queztl_up",
		    "1 if queztl.ko is loaded and responds.", m->up);
	if (m->up) {
		print_info(to, m);
		print_features(to, m->info.features);
		print_gauge(to, "queztl_fabrics", "Current number of fabrics.",
			    m->info.fabrics);
		print_gauge(to, "queztl_vms", "Current number of VMs.",
			    m->info.vms);
		print_gauge(to, "queztl_foreign_vms",
			    "VMs of other users, of which nothing is known; root knows all.",
			    m->shot.foreign_vms);
		print_port_metrics(to, &m->shot);
	}
	print_vm_metrics(to, m);
}
