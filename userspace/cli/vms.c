// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <time.h>
#include <unistd.h>

#include <queztl.h>

#include "cli.h"
#include "fail.h"
#include "format.h"
#include "json.h"
#include "options.h"
#include "process.h"
#include "table.h"

static const struct column columns[] = {
	{ "VM", RIGHT, 0 },
	{ "PID", RIGHT, 0 },
	{ "USER", LEFT, 6 },
	{ "VCPUS", RIGHT, 0 },
	{ "KNOWN", RIGHT, 0 },
	{ "PROCESS", LEFT, 8 },
	{ "NAME", LEFT, 8 },
};

struct listing {
	struct cli *cli;
	struct table table;
	json_t *json;
	unsigned int foreign;
};

static uint64_t known_seconds(const struct queztl_vm *info)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	if (info->seen_ns / 1000000000 > (uint64_t)now.tv_sec)
		return 0;
	return now.tv_sec - info->seen_ns / 1000000000;
}

static json_t *vcpus_json(int vm, const struct queztl_vm *info)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < info->vcpus; i++) {
		struct queztl_vcpu vcpu;
		json_t *object;

		if (queztl_vm_vcpu(vm, i, &vcpu))
			break;
		object = json_object();
		set_count(object, "index", i);
		set_process(object, "tid", vcpu.tid);
		json_array_append_new(list, object);
	}
	return list;
}

/* The VM of another user has the same keys, with null values. */
static json_t *vm_json(uint64_t id, int vm, const struct queztl_vm *info)
{
	json_t *object = json_object();
	char name[NAME_ROOM] = "";

	if (info)
		read_vm_name(info->pid, name);
	set_count(object, "id", id);
	set_json(object, "accessible", json_boolean(info));
	set_process(object, "pid", info ? info->pid : 0);
	set_json(object, "uid", info ? json_integer(info->uid) : json_null());
	set_text(object, "comm", info ? info->comm : NULL);
	set_text(object, "name", *name ? name : NULL);
	set_json(object, "seen_ns",
		 info ? json_integer(info->seen_ns) : json_null());
	set_json(object, "vcpus", info ? vcpus_json(vm, info) : json_null());
	return object;
}

static void add_user(struct table *table, uint32_t uid)
{
	struct passwd *user = getpwuid(uid);

	if (user)
		add_cell(table, "%s", user->pw_name);
	else
		add_cell(table, "%" PRIu32, uid);
}

static void add_process(struct table *table, int pid)
{
	if (pid)
		add_cell(table, "%d", pid);
	else
		add_cell(table, "-");
}

static void add_vm_row(struct table *table, const struct queztl_vm *info)
{
	char age[AGE_ROOM], name[NAME_ROOM];

	read_vm_name(info->pid, name);
	add_cell(table, "%" PRIu64, (uint64_t)info->id);
	add_process(table, info->pid);
	add_user(table, info->uid);
	add_cell(table, "%" PRIu32, info->vcpus);
	add_cell(table, "%s", format_age(age, known_seconds(info)));
	add_cell(table, "%s", info->comm);
	add_cell(table, "%s", *name ? name : "-");
}

static void add_vm(struct listing *list, uint64_t id, int vm,
		   const struct queztl_vm *info)
{
	if (list->cli->json)
		json_array_append_new(list->json, vm_json(id, vm, info));
	else if (info)
		add_vm_row(&list->table, info);
	else
		list->foreign++;
}

/* It is not an error if a VM disappears before it is read. */
static int visit_vm(struct listing *list, int fd, uint64_t id)
{
	struct queztl_vm info;
	int vm = queztl_vm_open(fd, id);
	int ret = vm;

	if (vm == -EPERM)
		add_vm(list, id, vm, NULL);
	if (vm < 0)
		return vm == -EPERM || vm == -ENOENT ? 0 : vm;
	ret = queztl_vm_info(vm, &info);
	if (!ret)
		add_vm(list, id, vm, &info);
	close(vm);
	return ret == -ENOENT ? 0 : ret;
}

static int visit_vms(struct listing *list, int fd)
{
	uint64_t id = 0;
	int ret;

	while (!(ret = queztl_vm_next(fd, &id))) {
		ret = visit_vm(list, fd, id);
		if (ret)
			return ret;
	}
	return ret == -ENOENT ? 0 : ret;
}

static void print_listing(struct listing *list)
{
	struct cli *cli = list->cli;

	if (cli->json) {
		print_json(json_incref(list->json), cli->out, false);
		return;
	}
	if (list->table.cells)
		print_table(&list->table, cli->out, cli->width);
	else if (!list->foreign)
		fputs("no VMs; to register one that was not detected: "
		      "queztl attach PID\n", cli->out);
	if (list->foreign)
		fprintf(cli->out, "VMs of other users, not shown: %u (use "
			"sudo)\n", list->foreign);
}

int run_vms(struct cli *cli, int argc, char **argv)
{
	struct listing list = { .cli = cli, .table = TABLE(columns) };
	int code = expect_words(cli, argc, argv, 0);
	int ret, fd;

	if (code)
		return code;
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	list.json = json_array();
	ret = visit_vms(&list, fd);
	close(fd);
	if (ret)
		code = fail_errno(cli, ret, "cannot list the VMs");
	else
		print_listing(&list);
	clear_table(&list.table);
	json_decref(list.json);
	return code;
}
