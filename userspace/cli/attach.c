// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

#include <queztl.h>

#include "ask.h"
#include "cli.h"
#include "fail.h"
#include "json.h"
#include "options.h"

struct attaching {
	int device;
	int pid;
	unsigned int found;
	json_t *ids;
};

/* A process may have several descriptors of the same VM. */
static void note_id(struct attaching *a, uint64_t id)
{
	json_t *known;
	size_t i;

	json_array_foreach(a->ids, i, known)
		if ((uint64_t)json_integer_value(known) == id)
			return;
	json_array_append_new(a->ids, json_integer(id));
}

static int attach_fd(struct attaching *a, int kvm)
{
	uint64_t id;
	int vm = queztl_vm_attach(a->device, kvm, &id);

	close(kvm);
	if (vm < 0)
		return vm;
	close(vm);
	note_id(a, id);
	return 0;
}

static int attach_process(struct attaching *a)
{
	int number = -1, kvm, ret = 0;

	while (!ret && (number = ask_for_vm_copy(a->pid, number + 1, &kvm)) >= 0) {
		a->found++;
		ret = attach_fd(a, kvm);
	}
	if (ret || number == -ENXIO)
		return ret;
	return number == -ENOENT ? -ESRCH : number;
}

static void print_attached(struct cli *cli, struct attaching *a)
{
	json_t *id, *object;
	size_t i;

	if (cli->json) {
		object = json_object();
		set_process(object, "pid", a->pid);
		set_json(object, "vms", json_incref(a->ids));
		print_json(object, cli->out, false);
		return;
	}
	json_array_foreach(a->ids, i, id)
		fprintf(cli->out, "attached VM %" JSON_INTEGER_FORMAT " of process %d\n",
			json_integer_value(id), a->pid);
}

static int report(struct cli *cli, struct attaching *a, int ret)
{
	if (ret == -ESRCH)
		return fail(cli, EXIT_NO_OBJECT,
			    "no process %d: give the PID of a running VMM",
			    a->pid);
	if (ret == -ETIMEDOUT)
		return fail(cli, EXIT_FAILED,
			    "process %d does not answer: see queztl doctor --vm %d",
			    a->pid, a->pid);
	if (ret)
		return fail_errno(cli, ret, "cannot attach process %d", a->pid);
	if (!a->found)
		return fail(cli, EXIT_NO_OBJECT,
			    "process %d has no KVM VM: give the PID of the VMM, for example of QEMU",
			    a->pid);
	print_attached(cli, a);
	return EXIT_OK;
}

int run_attach(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 1);
	struct attaching a = { 0 };
	uint64_t pid;

	if (code)
		return code;
	if (!parse_number(argv[0], 1, INT_MAX, &pid))
		return fail(cli, EXIT_USAGE,
			    "invalid PID '%s': give the process ID of the VMM",
			    argv[0]);
	a.device = open_device(cli, &code);
	if (a.device < 0)
		return code;
	a.pid = pid;
	a.ids = json_array();
	code = report(cli, &a, attach_process(&a));
	json_decref(a.ids);
	close(a.device);
	return code;
}

static int detach_vm(int fd, uint64_t id)
{
	int vm = queztl_vm_open(fd, id);
	int ret;

	if (vm < 0)
		return vm;
	ret = queztl_vm_detach(vm);
	close(vm);
	return ret;
}

static void print_detached(struct cli *cli, uint64_t id)
{
	json_t *object = json_object();

	set_count(object, "id", id);
	print_json(object, cli->out, false);
}

int run_detach(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 1);
	uint64_t id;
	int ret, fd;

	if (code)
		return code;
	if (!parse_number(argv[0], 1, UINT64_MAX, &id))
		return fail(cli, EXIT_USAGE,
			    "invalid VM id '%s': see queztl vms", argv[0]);
	fd = open_device(cli, &code);
	if (fd < 0)
		return code;
	ret = detach_vm(fd, id);
	close(fd);
	if (ret == -ENOENT)
		return fail(cli, EXIT_NO_OBJECT,
			    "no VM %" PRIu64 ": see queztl vms", id);
	if (ret)
		return fail_errno(cli, ret, "cannot detach VM %" PRIu64, id);
	if (cli->json)
		print_detached(cli, id);
	return EXIT_OK;
}
