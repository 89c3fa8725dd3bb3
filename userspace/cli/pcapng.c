// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include <queztl.h>

#include "pcapng.h"

#define SECTION_HEADER		0x0a0d0d0au
#define BYTE_ORDER_MAGIC	0x1a2b3c4du
#define INTERFACE_DESCRIPTION	1
#define ENHANCED_PACKET		6
#define LINKTYPE_ETHERNET	1
#define NANOSECONDS		9	/* if_tsresol: 10^-9 */

/* Options. Those up to OPT_COMMENT may be in every block. */
enum {
	OPT_END			= 0,
	OPT_COMMENT		= 1,
	SHB_USERAPPL		= 4,
	IF_NAME			= 2,
	IF_TSRESOL		= 9,
	EPB_FLAGS		= 2,
	EPB_DROPCOUNT		= 4,
};

enum { INBOUND = 1, OUTBOUND = 2 };	/* of EPB_FLAGS */

/* A block is put together here: the frame itself is written from where it is. */
struct block {
	uint8_t bytes[256];
	size_t size;
};

static void add(struct block *block, const void *bytes, size_t size)
{
	static const uint8_t zeros[3];

	memcpy(block->bytes + block->size, bytes, size);
	block->size += size;
	if (size % 4) {
		memcpy(block->bytes + block->size, zeros, 4 - size % 4);
		block->size += 4 - size % 4;
	}
}

static void add_number(struct block *block, uint32_t number)
{
	add(block, &number, sizeof(number));
}

static void add_option(struct block *block, uint16_t code, const void *value,
		       uint16_t size)
{
	add(block, (uint16_t[]){ code, size }, 4);
	add(block, value, size);
}

static void add_text(struct block *block, uint16_t code, const char *text)
{
	add_option(block, code, text, strlen(text));
}

/* Before and after what is in a block are its type and, twice, its length. */
static void write_block(FILE *to, uint32_t type, const struct block *head,
			const void *data, size_t size, const struct block *tail)
{
	static const uint8_t zeros[3];
	size_t pad = (4 - size % 4) % 4;
	uint32_t length = 12 + head->size + size + pad + tail->size;

	fwrite(&type, sizeof(type), 1, to);
	fwrite(&length, sizeof(length), 1, to);
	fwrite(head->bytes, 1, head->size, to);
	if (size)
		fwrite(data, 1, size, to);
	fwrite(zeros, 1, pad, to);
	fwrite(tail->bytes, 1, tail->size, to);
	fwrite(&length, sizeof(length), 1, to);
}

static void write_section(FILE *to)
{
	struct block block = { .size = 0 }, none = { .size = 0 };

	add_number(&block, BYTE_ORDER_MAGIC);
	add(&block, (uint16_t[]){ 1, 0 }, 4);	/* version 1.0 */
	add_number(&block, UINT32_MAX);		/* of unknown length */
	add_number(&block, UINT32_MAX);
	add_text(&block, SHB_USERAPPL, "queztl " LIBQUEZTL_VERSION);
	add_option(&block, OPT_END, "", 0);
	write_block(to, SECTION_HEADER, &block, NULL, 0, &none);
}

void pcapng_begin(FILE *to, const char *interface, uint32_t snaplen)
{
	struct block block = { .size = 0 }, none = { .size = 0 };

	write_section(to);
	add(&block, (uint16_t[]){ LINKTYPE_ETHERNET, 0 }, 4);
	add_number(&block, snaplen);
	add_text(&block, IF_NAME, interface);
	add_option(&block, IF_TSRESOL, (uint8_t[]){ NANOSECONDS }, 1);
	add_option(&block, OPT_END, "", 0);
	write_block(to, INTERFACE_DESCRIPTION, &block, NULL, 0, &none);
}

static void add_comment(struct block *block, uint16_t drop)
{
	char text[128];

	snprintf(text, sizeof(text), "dropped: %s", queztl_drop_name(drop));
	add_text(block, OPT_COMMENT, text);
}

void pcapng_frame(FILE *to, const struct queztl_capture_record *record,
		  const void *bytes)
{
	uint32_t flags = record->flags & QUEZTL_CAPTURE_SENT ? OUTBOUND : INBOUND;
	struct block head = { .size = 0 }, tail = { .size = 0 };
	uint64_t lost = record->lost;

	add_number(&head, 0);			/* the only interface */
	add_number(&head, record->time >> 32);
	add_number(&head, record->time);
	add_number(&head, record->captured);
	add_number(&head, record->bytes);
	add_option(&tail, EPB_FLAGS, &flags, sizeof(flags));
	if (lost)
		add_option(&tail, EPB_DROPCOUNT, &lost, sizeof(lost));
	if (record->flags & QUEZTL_CAPTURE_DROPPED)
		add_comment(&tail, record->drop);
	add_option(&tail, OPT_END, "", 0);
	write_block(to, ENHANCED_PACKET, &head, bytes, record->captured, &tail);
}
