// SPDX-License-Identifier: GPL-2.0
/* With whom a VM exchanges messages most: see partners.h. */

#include "module/partners.h"

/* Its place, or the one that it takes: an unused one has rank 0. */
static struct qz_partner *find_place(struct qz_partners *partners, u64 id)
{
	struct qz_partner *least = partners->partner;
	unsigned int i;

	for (i = 0; i < QZ_PARTNERS; i++) {
		struct qz_partner *p = &partners->partner[i];

		if (p->id == id)
			return p;
		if (p->rank < least->rank)
			least = p;
	}
	return least;
}

/**
 * qz_partners_count - count a message
 * @partners: of the VM; the caller keeps others off
 * @id: the partner's VM
 * @sent: it was sent to the partner, or else received
 *
 * Context: any.
 */
void qz_partners_count(struct qz_partners *partners, u64 id, bool sent)
{
	struct qz_partner *p = find_place(partners, id);

	if (p->id != id)
		*p = (struct qz_partner){ .id = id, .rank = p->rank };
	p->rank++;
	if (sent)
		p->sent++;
	else
		p->received++;
}
