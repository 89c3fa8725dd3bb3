/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A recording: records of any size in a ring of bytes, from many writers to one
 * reader; pure. Nobody waits: a record that finds no room is lost, and counted.
 *
 * A writer reserves room, which is short and needs the caller's lock, and then fills
 * it without any. The reader stops at a record that is not complete yet.
 */
#ifndef QZ_RECORDING_H
#define QZ_RECORDING_H

#include "module/plain.h"

/* Records begin at multiples of this. */
#define QZ_RECORD_ALIGN		8

/**
 * struct qz_record - the head of a record
 * @room: bytes up to the next one, with this head
 * @state: 0: it is being written; &enum qz_record_state
 * @data: the record
 */
struct qz_record {
	u32 room;
	u32 state;
	u8 data[];
};

enum qz_record_state {
	QZ_RECORD_WRITTEN = 1,
	QZ_RECORD_PAD,		/* nothing: the next one begins at the start of the ring */
};

/**
 * struct qz_recording - a ring of records
 * @data: its bytes
 * @size: number of these, a power of two
 * @head: bytes reserved since the beginning; changed by writers
 * @tail: bytes released since the beginning; changed by the reader
 * @lost: records that found no room since the last that did; changed by writers
 */
struct qz_recording {
	u8 *data;
	u32 size;
	u64 head;
	u64 tail;
	u32 lost;
};

struct qz_record *qz_recording_reserve(struct qz_recording *rec, u32 bytes, u32 *lost);
void qz_recording_commit(struct qz_record *record);
bool qz_recording_ready(const struct qz_recording *rec);
struct qz_record *qz_recording_next(struct qz_recording *rec);
void qz_recording_release(struct qz_recording *rec, const struct qz_record *record);

#endif /* QZ_RECORDING_H */
