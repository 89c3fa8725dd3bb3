// SPDX-License-Identifier: GPL-2.0
/* Commands on the control queue, and frames that the filter they set judges. */
#include "fuzz.h"
#include "qhp/fabric/pure/ctrl.c"
#include "qhp/fabric/pure/filter.c"

static void check_state(const struct qz_ctrl *ctrl)
{
	fuzz_check(ctrl->active >= 1 && ctrl->active <= ctrl->pairs);
	fuzz_check(!(ctrl->takes & ~(ctrl->features & QZ_CTRL_OFFLOADS)));
	fuzz_check(ctrl->filter.nmacs <= QZ_FILTER_MACS);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { data, size };
	struct qz_ctrl ctrl = {};

	ctrl.pairs = 1 + fuzz_u8(&fuzz) % 16;
	ctrl.mac = 0x525400000001;
	qz_ctrl_init(&ctrl, fuzz_u8(&fuzz) & 3 ? ~0ULL : fuzz_u64(&fuzz));
	check_state(&ctrl);
	for (int rounds = 0; rounds < 64 && fuzz.left; rounds++) {
		if (fuzz_u8(&fuzz) & 3)
			command(&fuzz, &ctrl);
		else
			frame(&fuzz, &ctrl);
	}
	return 0;
}
