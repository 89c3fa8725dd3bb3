/* SPDX-License-Identifier: GPL-2.0 */
/*
 * With whom a VM exchanges messages most; pure.
 *
 * The table is small. A partner that is new takes the place of the one with the
 * smallest rank, and its rank continues from there (Space-Saving: Metwally,
 * Agrawal, El Abbadi, ICDT 2005). So a partner with more than a QZ_PARTNERS-th of
 * all messages is in the table, and what is counted of a partner is exact since
 * it came there.
 */
#ifndef QZ_PARTNERS_H
#define QZ_PARTNERS_H

#include "module/plain.h"

#define QZ_PARTNERS	8

/**
 * struct qz_partner - messages with one partner
 * @id: of its VM; 0: unused
 * @rank: at least the messages exchanged with it
 * @sent: messages to it, since it is in the table
 * @received: messages from it, since then
 */
struct qz_partner {
	u64 id;
	u64 rank;
	u64 sent;
	u64 received;
};

/** struct qz_partners - the most frequent partners, in no order */
struct qz_partners {
	struct qz_partner partner[QZ_PARTNERS];
};

void qz_partners_count(struct qz_partners *partners, u64 id, bool sent);

#endif /* QZ_PARTNERS_H */
