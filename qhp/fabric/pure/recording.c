// SPDX-License-Identifier: GPL-2.0
/* A recording: see recording.h. */

#include "recording.h"

static struct qz_record *at(const struct qz_recording *rec, u64 position)
{
	return (struct qz_record *)(rec->data + (position & (rec->size - 1)));
}

/**
 * qz_recording_reserve - make room for a record
 * @rec: the recording
 * @bytes: size of the record, less than half the ring
 * @lost: out: records that were lost just before this one
 *
 * One writer at a time, no matter whether records that were reserved before are
 * complete.
 *
 * Return: the record, which is to be filled and then given to
 * qz_recording_commit(); NULL if there is no room.
 */
struct qz_record *qz_recording_reserve(struct qz_recording *rec, u32 bytes, u32 *lost)
{
	u32 need = (sizeof(struct qz_record) + bytes + QZ_RECORD_ALIGN - 1) &
		   ~(QZ_RECORD_ALIGN - 1);
	u32 to_end = rec->size - (rec->head & (rec->size - 1));
	u32 pad = need > to_end ? to_end : 0;
	struct qz_record *record;
	u64 tail;

	/* Pairs with qz_recording_release(): the reader is done with the bytes. */
	tail = smp_load_acquire(&rec->tail);
	if (rec->head + pad + need - tail > rec->size) {
		rec->lost += rec->lost != U32_MAX;
		return NULL;
	}
	if (pad) {
		record = at(rec, rec->head);
		record->room = pad;
		record->state = QZ_RECORD_PAD;
	}
	record = at(rec, rec->head + pad);
	record->room = need;
	record->state = 0;
	/* Pairs with qz_recording_next(): it sees the heads of these records. */
	smp_store_release(&rec->head, rec->head + pad + need);
	*lost = rec->lost;
	rec->lost = 0;
	return record;
}

/* The record is complete. */
void qz_recording_commit(struct qz_record *record)
{
	/* Pairs with qz_recording_next(): the record is complete before it says so. */
	smp_store_release(&record->state, QZ_RECORD_WRITTEN);
}

/*
 * Is it worth to call qz_recording_next()? Anybody may ask, without a lock: beside
 * the reader the answer may be that of a moment before, or a wrong one.
 */
bool qz_recording_ready(const struct qz_recording *rec)
{
	u64 tail = READ_ONCE(rec->tail);

	/* Pairs with qz_recording_reserve(): the head of the record is there. */
	return smp_load_acquire(&rec->head) != tail &&
	       READ_ONCE(at(rec, tail)->state);
}

/* The reader's next record, if there is one and it is complete; else NULL. */
struct qz_record *qz_recording_next(struct qz_recording *rec)
{
	struct qz_record *record;
	u64 head;

	/* Pairs with qz_recording_reserve(). */
	head = smp_load_acquire(&rec->head);
	while (rec->tail != head) {
		record = at(rec, rec->tail);
		/* Pairs with qz_recording_commit(). */
		switch (smp_load_acquire(&record->state)) {
		case QZ_RECORD_WRITTEN:
			return record;
		case QZ_RECORD_PAD:
			qz_recording_release(rec, record);
			break;
		default:
			return NULL;
		}
	}
	return NULL;
}

/* The reader is done with the record that is next. */
void qz_recording_release(struct qz_recording *rec, const struct qz_record *record)
{
	/* Pairs with qz_recording_reserve(): whoever fills them again comes later. */
	smp_store_release(&rec->tail, rec->tail + record->room);
}
