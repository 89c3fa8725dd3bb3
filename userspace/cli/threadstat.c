// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "threadstat.h"

/* Positions in proc(5), where the state, after the name, is 3. */
#define STATE		3
#define START_TIME	22
#define GUEST_TIME	43

static const char *skip_fields(const char *at, int count)
{
	while (at && count--) {
		at = strchr(at, ' ');
		at += !!at;
	}
	return at;
}

/* The name may have spaces and parentheses; what follows has neither. */
bool parse_thread_stat(const char *text, struct thread_stat *stat)
{
	const char *name = strchr(text, '('), *end = strrchr(text, ')');
	const char *start, *guest;

	if (!name || !end || end < name || end[1] != ' ')
		return false;
	snprintf(stat->comm, sizeof(stat->comm), "%.*s",
		 (int)(end - name - 1), name + 1);
	start = skip_fields(end + 2, START_TIME - STATE);
	guest = skip_fields(start, GUEST_TIME - START_TIME);
	if (!guest)
		return false;
	stat->start = strtoull(start, NULL, 10);
	stat->guest = strtoull(guest, NULL, 10);
	return true;
}

/*
 * QEMU: "CPU 0/KVM"; Cloud Hypervisor: "vcpu0"; Firecracker: "fc_vcpu 0";
 * crosvm: "crosvm_vcpu0"; kvmtool: "kvm-vcpu-0".
 */
bool names_vcpu(const char *comm)
{
	const char *vcpu = strstr(comm, "vcpu");
	size_t digits;

	if (!strncmp(comm, "CPU ", 4)) {
		digits = strspn(comm + 4, "0123456789");
		return digits && comm[4 + digits] == '/';
	}
	if (!vcpu)
		return false;
	vcpu += strlen("vcpu");
	vcpu += *vcpu == ' ' || *vcpu == '-';
	return *vcpu && !vcpu[strspn(vcpu, "0123456789")];
}

int ask_thread_stat(int pid, const char *name, struct thread_stat *stat)
{
	char text[1024];
	int length = ask_file(pid, name, text, sizeof(text));

	if (length < 0)
		return length;
	return parse_thread_stat(text, stat) ? 0 : -ENODATA;
}
