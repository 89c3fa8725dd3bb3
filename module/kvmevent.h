/* SPDX-License-Identifier: GPL-2.0 */
/* KVM's announcements when a VM is created or destroyed; pure. */
#ifndef QZ_KVMEVENT_H
#define QZ_KVMEVENT_H

#include "plain.h"

/**
 * struct qz_kvmevent - an announcement
 * @create: a VM was created
 * @destroy: a VM is being destroyed
 * @pid: the thread that created it, 0 if its creation was not announced
 * @key: KVM's name of the VM, empty without debugfs; points into the text
 */
struct qz_kvmevent {
	bool create;
	bool destroy;
	int pid;
	const char *key;
};

bool qz_kvmevent_parse(struct qz_kvmevent *event, const char *text, size_t len);

#endif /* QZ_KVMEVENT_H */
