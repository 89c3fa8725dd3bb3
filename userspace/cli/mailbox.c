// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include <queztl.h>
#include <qhp/channel/ring.h>

#include "mailbox.h"

void close_slots(int window_fd, uint32_t slots)
{
	for (uint32_t slot = 0; slot < slots; slot++)
		queztl_channel_close(window_fd, slot);
}

static bool is_name(const char *name)
{
	return memchr(name, '\0', QHP_NAME_MAX);
}

/* A slot or 0, or -errno. */
static int make_call(int window_fd, uint32_t slots,
		     const struct qhp_request *request, uint32_t *bytes)
{
	switch (request->op) {
	case QHP_OP_RESET:
		close_slots(window_fd, slots);
		return 0;
	case QHP_OP_LISTEN:
		*bytes = request->bytes;
		return is_name(request->name) ?
			queztl_channel_listen(window_fd, request->name, bytes) :
			-EINVAL;
	case QHP_OP_CONNECT:
		return is_name(request->name) ?
			queztl_channel_connect(window_fd, request->name, bytes) :
			-EINVAL;
	case QHP_OP_CLOSE:
		return queztl_channel_close(window_fd, request->slot);
	default:
		return -EOPNOTSUPP;
	}
}

static void answer(struct qhp_answer *to, uint32_t number, int ret,
		   uint32_t bytes)
{
	to->error = ret < 0 ? ret : 0;
	to->slot = ret < 0 ? 0 : ret;
	to->bytes = ret < 0 ? 0 : bytes;
	/* Whoever sees the number sees the rest. */
	qhp_store_release(&to->number, number);
}

bool serve_request(int window_fd, uint32_t slots, struct qhp_mailbox *mailbox,
		   uint32_t *last)
{
	uint32_t number = qhp_load_acquire(&mailbox->request.number);
	struct qhp_request request;
	uint32_t bytes = 0;
	int ret;

	if (!number || number == *last)
		return false;
	*last = number;
	memcpy(&request, &mailbox->request, sizeof(request));
	/* From here on only the copy is used, which the guest cannot change. */
	__asm__ volatile("" : : "r"(&request) : "memory");
	ret = make_call(window_fd, slots, &request, &bytes);
	answer(&mailbox->answer, number, ret, bytes);
	return true;
}
