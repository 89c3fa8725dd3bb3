// SPDX-License-Identifier: GPL-2.0
/* Commands on the control queue, and frames that are filtered and steered as they say. */
#include "fuzz.h"
#include "qhp/fabric/pure/ctrl.c"
#include "qhp/fabric/pure/filter.c"
#include "qhp/fabric/pure/flow.c"
#include "qhp/fabric/pure/rss.c"

static void check_state(const struct qz_ctrl *ctrl)
{
	fuzz_check(ctrl->active >= 1 && ctrl->active <= ctrl->pairs);
	fuzz_check(!(ctrl->takes & ~(ctrl->features & QZ_CTRL_OFFLOADS)));
	fuzz_check(ctrl->filter.nmacs <= QZ_FILTER_MACS);
	fuzz_check(ctrl->rss.mask < QZ_RSS_TABLE && ctrl->rss.unclassified < ctrl->pairs);
	for (u32 i = 0; i < QZ_RSS_TABLE; i++)
		fuzz_check(ctrl->rss.table[i] < ctrl->pairs);
}

/* Two counts that fit the length, or nearly. */
static void make_tables(u8 *data, u32 len)
{
	u32 unicast = data[0] % 4, n;

	if (len < 8 + 6 * unicast)
		return;
	n = (len - 8) / 6 - unicast;
	memcpy(data, &(u32){ htole32(unicast) }, 4);
	memcpy(data + 4 + 6 * unicast, &(u32){ htole32(n) }, 4);
}

/* A table that fits the length, or nearly: a part of it is left for the key. */
static void make_rss(u8 *data, u32 len)
{
	u32 n = 1 << data[0] % 9;

	if (len < 8 + 2 * n + 3)
		return;
	data[1] &= 1;
	data[2] = data[3] = 0;
	memcpy(data + 4, &(u16){ htole16(n - 1) }, 2);
	for (u32 i = 6; i < 8 + 2 * n + 2; i += 2)
		memcpy(data + i, (u8[]){ data[i] % 17, 0 }, 2);
	data[8 + 2 * n + 2] = len - (8 + 2 * n + 3);
}

/* As if it were too long to be copied. */
static void long_command(struct qz_ctrl *ctrl, const u8 *bytes, u32 len)
{
	u32 at = qz_ctrl_find_multicast(bytes, len);
	u8 answer;

	if (!at)
		return;
	fuzz_check(at >= QZ_CTRL_LONG && at <= len);
	answer = qz_ctrl_multicast(ctrl, bytes + at, len - at);
	fuzz_check(answer == VIRTIO_NET_OK || answer == VIRTIO_NET_ERR);
	check_state(ctrl);
}

static void command(struct fuzz *fuzz, struct qz_ctrl *ctrl)
{
	u32 len = fuzz_u16(fuzz) % 1024;
	u8 *bytes = fuzz_alloc(fuzz, len), answer;
	struct qz_ctrl before = *ctrl;

	if (len > 2) {
		bytes[0] %= 7;		/* known classes */
		bytes[1] %= 7;
		if (bytes[0] == VIRTIO_NET_CTRL_MAC)
			make_tables(bytes + 2, len - 2);
		if (bytes[0] == VIRTIO_NET_CTRL_MQ && bytes[1] == VIRTIO_NET_CTRL_MQ_RSS_CONFIG)
			make_rss(bytes + 2, len - 2);
	}
	answer = qz_ctrl_command(ctrl, bytes, len);
	fuzz_check(answer == VIRTIO_NET_OK || answer == VIRTIO_NET_ERR);
	if (answer == VIRTIO_NET_ERR)
		fuzz_check(!memcmp(&before, ctrl, sizeof(before)));
	check_state(ctrl);
	if (len >= QZ_CTRL_LONG)
		long_command(ctrl, bytes, len);
	free(bytes);
}

static void frame(struct fuzz *fuzz, const struct qz_ctrl *ctrl)
{
	u32 len = 14 + fuzz_u8(fuzz) % 5;
	u8 *head = fuzz_alloc(fuzz, len);

	if (qz_filter_takes(&ctrl->filter, head, len) && !(ctrl->filter.mode & QZ_FILTER_LETS_ALL)) {
		fuzz_check(!(ctrl->filter.mode & QZ_FILTER_NOUNI) || head[0] & 1);
		fuzz_check(!(ctrl->filter.mode & QZ_FILTER_NOBCAST) || memcmp(head, "\xff\xff\xff\xff\xff\xff", 6));
	}
	free(head);
}

/* Headers of any frame, and the queue that gets it. */
static void steer(struct fuzz *fuzz, const struct qz_ctrl *ctrl)
{
	static const u8 types[][2] = { { 8, 0 }, { 0x86, 0xdd }, { 0x81, 0 }, { 0x88, 0xa8 } };
	u32 len = 14 + fuzz_u8(fuzz) % 179;
	u8 *head = fuzz_alloc(fuzz, len);
	struct qz_flow_key key = { .port = 1, .low = ~0ULL };
	struct qz_flow flow;

	memcpy(head + 12, types[head[0] % 4], 2);
	qz_flow_find(&flow, head, len);
	fuzz_check(!flow.version || (flow.source > head && flow.dest + (flow.version == 4 ? 4 : 16) <= head + len));
	fuzz_check(!flow.version || !flow.protocol || flow.ports + 4 <= head + len);
	fuzz_check(qz_rss_pick(&ctrl->rss, &flow) < ctrl->pairs);
	if (flow.version)
		fuzz_check(qz_flow_share(qz_flow_hash(&key, &flow), ctrl->active) < ctrl->active);
	free(head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { data, size };
	struct qz_ctrl ctrl = {};

	ctrl.pairs = 1 + fuzz_u8(&fuzz) % 16;
	ctrl.mac = 0x525400000001;
	qz_ctrl_init(&ctrl, fuzz_u8(&fuzz) & 3 ? ~0ULL : fuzz_u64(&fuzz));
	check_state(&ctrl);
	for (int rounds = 0; rounds < 64 && fuzz.left; rounds++) {
		switch (fuzz_u8(&fuzz) & 3) {
		case 0:
			frame(&fuzz, &ctrl);
			break;
		case 1:
			steer(&fuzz, &ctrl);
			break;
		default:
			command(&fuzz, &ctrl);
		}
	}
	return 0;
}
