/* SPDX-License-Identifier: GPL-2.0 */
/* What KVM says when a VM begins or ends; pure. */
#ifndef QZ_KVMEVENT_H
#define QZ_KVMEVENT_H

#include "plain.h"

/**
 * struct qz_kvmevent - an announcement
 * @create: a VM begins
 * @destroy: a VM ends
 * @pid: the thread that created it, 0 at an end that was not announced before
 * @key: KVM's name for it, empty without debugfs; part of the text
 */
struct qz_kvmevent {
	bool create;
	bool destroy;
	int pid;
	const char *key;
};

bool qz_kvmevent_parse(struct qz_kvmevent *event, const char *text, size_t len);

#endif /* QZ_KVMEVENT_H */
