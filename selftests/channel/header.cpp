// SPDX-License-Identifier: GPL-2.0
/* ring.h is C++, too. Only compiled. */
#include "qhp/channel/ring.h"

bool echo(qhp_rx *rx, qhp_tx *tx);
bool echo(qhp_rx *rx, qhp_tx *tx)
{
	qhp_msg msg;
	void *at;

	if (qhp_rx_peek(rx, &msg) != 1 || qhp_tx_reserve(tx, msg.len, &at))
		return qhp_rx_arm(rx) || qhp_tx_arm(tx);
	memcpy(at, msg.data, msg.len);
	qhp_tx_commit(tx);
	return qhp_rx_release(rx, 1) | qhp_tx_publish(tx);
}
