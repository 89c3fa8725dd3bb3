/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ioctl calls. A handler gets a copy of its argument, zero-extended to the
 * kernel's size and with its flags checked. When it returns 0, the copy is
 * copied out again.
 *
 * Handlers run in process context without locks, and may sleep.
 */
#ifndef QZ_IOCTL_H
#define QZ_IOCTL_H

#include <linux/types.h>

struct file;

/**
 * struct qz_call - one call in progress
 * @file: the file that the call was made on
 * @arg: the copy of the argument
 * @publish: out: a file to install at @fd once nothing can fail any more
 * @fd: out: the descriptor reserved for @publish
 * @commit: out: called just before @publish is installed; it cannot fail
 */
struct qz_call {
	struct file *file;
	void *arg;
	struct file *publish;
	int fd;
	void (*commit)(struct qz_call *call);
};

/**
 * struct qz_ioctl - one row of a table of calls
 * @cmd: number of the call
 * @size: size of the kernel's structure, in bytes
 * @min_size: size of the structure in ABI version 1
 * @answers: the structure is copied out if the handler returns 0
 * @run: the handler
 * @undo: undoes @run if the result cannot be copied out
 */
struct qz_ioctl {
	unsigned int cmd;
	u32 size;
	u32 min_size;
	bool answers;
	int (*run)(struct qz_call *call);
	void (*undo)(struct qz_call *call);
};

/* ioctl.c */
extern const struct file_operations qz_device_fops;
long qz_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long qz_window_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
u64 qz_features(void);

/* vmapi.c */
int qz_vmapi_next(struct qz_call *call);
int qz_vmapi_attach(struct qz_call *call);
int qz_vmapi_open(struct qz_call *call);
int qz_vmapi_info(struct qz_call *call);
int qz_vmapi_vcpu(struct qz_call *call);
int qz_vmapi_stats(struct qz_call *call);
int qz_vmapi_detach(struct qz_call *call);

#endif /* QZ_IOCTL_H */
