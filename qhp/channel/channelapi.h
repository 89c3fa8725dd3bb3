/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the core knows about windows and channels. All run in process context and
 * may sleep.
 */
#ifndef QZ_CHANNELAPI_H
#define QZ_CHANNELAPI_H

struct qz_call;

int qz_channel_init(void);
void qz_channel_exit(void);

/* On /dev/queztl: */
int qz_channelapi_window_create(struct qz_call *call);
int qz_channelapi_window_next(struct qz_call *call);
int qz_channelapi_allow(struct qz_call *call);
void qz_channelapi_allow_undo(struct qz_call *call);
int qz_channelapi_deny(struct qz_call *call);
int qz_channelapi_rule_next(struct qz_call *call);
int qz_channelapi_next(struct qz_call *call);
int qz_channelapi_revoke(struct qz_call *call);

/* On a window: */
int qz_channelapi_listen(struct qz_call *call);
void qz_channelapi_listen_undo(struct qz_call *call);
int qz_channelapi_connect(struct qz_call *call);
void qz_channelapi_connect_undo(struct qz_call *call);
int qz_channelapi_close(struct qz_call *call);
int qz_channelapi_ring(struct qz_call *call);
int qz_channelapi_bell(struct qz_call *call);
int qz_channelapi_events(struct qz_call *call);
void qz_channelapi_events_undo(struct qz_call *call);

#endif /* QZ_CHANNELAPI_H */
