// SPDX-License-Identifier: GPL-2.0
/* Many channels between many windows, each with an owner of its own. */
#define _GNU_SOURCE
#include "ktap.h"
#include "exchange.h"
#include "fabric.h"

#include <poll.h>
#include <sys/eventfd.h>

#define WINDOWS		16
#define CHANNELS	64
#define SLOTS		(2 * CHANNELS / WINDOWS)
#define MESSAGES	200	/* of each direction, before some channels end, and as many after that */

/* Who ends in the midst of it: one window by its owner, the channels of another by the administrator. */
#define LEAVES		3
#define REVOKED		12

enum stage {
	LISTEN,
	TALK,
	LEAVE,			/* the one who leaves does */
	DRAIN,			/* no more is sent */
	END,
};

enum end {
	LISTENER,
	CONNECTER,
	ENDS,
};

/* Between all of them. */
static struct shared {
	enum stage stage;
	int ready, quiet;	/* owners that listen, and that send no more */
	struct {
		__u32 sent, received, state;	/* state: in which the end was cut, or 0 */
	} end[CHANNELS][ENDS];
} *shared;

static int wakes[WINDOWS];	/* eventfds: the stage has changed */
static pid_t owners[WINDOWS];

/* Each window listens to four channels, and connects to those of four others. */
static int owner_of(int channel, enum end end)
{
	static const int distances[] = { 1, 3, 5, 7 };
	int listener = channel % WINDOWS;

	return end == LISTENER ? listener : (listener + distances[channel / WINDOWS]) % WINDOWS;
}

static bool has_end(int channel, int owner)
{
	return owner_of(channel, LISTENER) == owner || owner_of(channel, CONNECTER) == owner;
}

static bool ends_early(int channel)
{
	return has_end(channel, LEAVES) || has_end(channel, REVOKED);
}

static const char *name_of(char kind, int number)
{
	static char names[4][QUEZTL_NAME_MAX];	/* so many are used at once, or fewer */
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(names[turn], sizeof(names[turn]), FABRIC_PREFIX "%c%d", kind, number);
	return names[turn];
}

static enum stage stage_now(void)
{
	return __atomic_load_n(&shared->stage, __ATOMIC_ACQUIRE);
}

/* ---- an owner ---- */

static struct owner {
	int number, wake;
	struct window window;
	struct exchange exchange[SLOTS];
	int channel[SLOTS];	/* of a slot */
	enum end end[SLOTS];
	__u64 open;		/* bit i: the channel of slot i is not cut */
	bool quiet;
} me;

static void start_end(int channel, enum end end)
{
	int slot = end == LISTENER ? channel_listen(me.window.fd, name_of('c', channel), 0) :
				     channel_connect(me.window.fd, name_of('c', channel));

	ASSERT_GE(slot, 0);
	me.channel[slot] = channel;
	me.end[slot] = end;
	me.open |= 1ull << slot;
	exchange_start(&me.exchange[slot], &me.window, slot, ENDS * channel + end,
		       ENDS * channel + !end);
}

static void start_ends(enum end end)
{
	for (int channel = 0; channel < CHANNELS; channel++)
		if (owner_of(channel, end) == me.number)
			start_end(channel, end);
}

static void report(int slot)
{
	__atomic_store_n(&shared->end[me.channel[slot]][me.end[slot]].sent, me.exchange[slot].sent,
			 __ATOMIC_RELEASE);
	__atomic_store_n(&shared->end[me.channel[slot]][me.end[slot]].received,
			 me.exchange[slot].received, __ATOMIC_RELEASE);
}

static void report_cut(int slot)
{
	me.open &= ~(1ull << slot);
	__atomic_store_n(&shared->end[me.channel[slot]][me.end[slot]].state,
			 slot_state(&me.window, slot), __ATOMIC_RELEASE);
}

/* Return: whether there is more to do. */
static bool step(int slot)
{
	enum exchange_state state;

	if (!(me.open & 1ull << slot))
		return false;
	state = exchange_step(&me.exchange[slot]);
	report(slot);
	if (state == EXCHANGE_CUT)
		report_cut(slot);
	return state == EXCHANGE_BUSY;
}

/* The slots of which a bell has told something. Bells alone tell: one that is lost is missed. */
static __u64 slots_that_rang(bool may_sleep)
{
	struct pollfd pollers[] = { { .fd = me.window.fd, .events = POLLIN },
				    { .fd = me.wake, .events = POLLIN } };
	struct queztl_events events = { 0 };
	eventfd_t count;

	ASSERT_GE(poll(pollers, 2, may_sleep ? -1 : 0), 0);
	if (pollers[1].revents)
		ASSERT_EQ(eventfd_read(me.wake, &count), 0);
	if (pollers[0].revents)
		ASSERT_EQ(window_events(me.window.fd, &events), 0);
	return events.rung | events.changed;
}

static void be_quiet(void)
{
	for (int slot = 0; slot < SLOTS; slot++)
		me.exchange[slot].last = me.exchange[slot].sent;
	me.quiet = true;
	__atomic_add_fetch(&shared->quiet, 1, __ATOMIC_ACQ_REL);
}

static void talk(void)
{
	__u64 look = me.open;

	while (stage_now() < END) {
		if (me.number == LEAVES && stage_now() >= LEAVE)
			break;
		if (stage_now() == DRAIN && !me.quiet)
			be_quiet();
		for (int slot = 0; slot < SLOTS; slot++)
			if (look & 1ull << slot && !step(slot))
				look &= ~(1ull << slot);
		look |= slots_that_rang(!look);
	}
}

static void own(int number)
{
	me = (struct owner){ .number = number, .wake = wakes[number] };
	me.window = window_open(name_of('w', number), SLOTS);
	start_ends(LISTENER);
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_ACQ_REL);
	while (stage_now() == LISTEN)
		slots_that_rang(true);
	start_ends(CONNECTER);
	talk();
	window_close(&me.window);
	_exit(ktap_shared->failed ? 1 : 0);
}

/* ---- the administrator ---- */

static void set_stage(enum stage stage)
{
	__atomic_store_n(&shared->stage, stage, __ATOMIC_RELEASE);
	for (int i = 0; i < WINDOWS; i++)
		ASSERT_EQ(eventfd_write(wakes[i], 1), 0);
}

/* As long as the test may take. */
static void wait_until(bool (*is_so)(void))
{
	while (!is_so()) {
		ASSERT_EQ(__atomic_load_n(&ktap_shared->failed, __ATOMIC_RELAXED), 0);
		usleep(1000);
	}
}

static bool all_listen(void)
{
	return __atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE) == WINDOWS;
}

static bool all_are_quiet(void)
{
	return __atomic_load_n(&shared->quiet, __ATOMIC_ACQUIRE) == WINDOWS - 1;
}

static __u32 received_by(int channel, enum end end)
{
	return __atomic_load_n(&shared->end[channel][end].received, __ATOMIC_ACQUIRE);
}

static __u32 goal[CHANNELS][ENDS];

/* Of channels that are not cut. */
static bool goals_are_reached(void)
{
	for (int channel = 0; channel < CHANNELS; channel++)
		for (enum end end = 0; end < ENDS; end++)
			if (received_by(channel, end) < goal[channel][end])
				return false;
	return true;
}

static void set_goals(bool all)
{
	for (int channel = 0; channel < CHANNELS; channel++)
		for (enum end end = 0; end < ENDS; end++)
			goal[channel][end] = all || !ends_early(channel) ?
					     received_by(channel, end) + MESSAGES : 0;
}

static __u32 cut_state(int channel, enum end end)
{
	return __atomic_load_n(&shared->end[channel][end].state, __ATOMIC_ACQUIRE);
}

/* All but the one who left know of what has ended. */
static bool all_are_told(void)
{
	for (int channel = 0; channel < CHANNELS; channel++)
		for (enum end end = 0; end < ENDS; end++)
			if (ends_early(channel) && owner_of(channel, end) != LEAVES &&
			    !cut_state(channel, end))
				return false;
	return true;
}

static bool nothing_is_under_way(void)
{
	for (int channel = 0; channel < CHANNELS; channel++)
		for (enum end end = 0; end < ENDS && !ends_early(channel); end++)
			if (received_by(channel, end) !=
			    __atomic_load_n(&shared->end[channel][!end].sent, __ATOMIC_ACQUIRE))
				return false;
	return true;
}

static void start_owners(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(shared != MAP_FAILED);
	for (int i = 0; i < CHANNELS; i++)
		ASSERT_EQ(channel_allow(name_of('c', i), name_of('w', owner_of(i, LISTENER)),
					name_of('w', owner_of(i, CONNECTER))), 0);
	for (int i = 0; i < WINDOWS; i++) {
		wakes[i] = eventfd(0, EFD_CLOEXEC);
		ASSERT_GE(wakes[i], 0);
		owners[i] = fork();
		if (!owners[i])
			own(i);
	}
	wait_until(all_listen);
}

/* One that both ends have left may be gone already. */
static void revoke_all_of(int owner)
{
	for (int channel = 0; channel < CHANNELS; channel++) {
		if (!has_end(channel, owner))
			continue;
		if (has_end(channel, LEAVES))
			channel_revoke(name_of('c', channel));
		else
			EXPECT_EQ(channel_revoke(name_of('c', channel)), 0);
	}
}

static void expect_cut_as_it_was(void)
{
	for (int channel = 0; channel < CHANNELS; channel++) {
		for (enum end end = 0; end < ENDS; end++) {
			__u32 state = cut_state(channel, end);

			if (!ends_early(channel))
				EXPECT_EQ(state, 0);
			else if (!has_end(channel, LEAVES))
				EXPECT_EQ(state, QHP_SLOT_REVOKED);
			else if (!has_end(channel, REVOKED) && owner_of(channel, end) != LEAVES)
				EXPECT_EQ(state, QHP_SLOT_CLOSED);
		}
	}
}

static int count_lasting(void)
{
	int n = 0;

	for (int channel = 0; channel < CHANNELS; channel++)
		n += !ends_early(channel);
	return n;
}

static void expect_counts(struct channel_counts before, int windows, int slots, int channels)
{
	struct channel_counts now = channel_counts_now();

	EXPECT_EQ(now.windows - before.windows, windows);
	EXPECT_EQ(now.slots - before.slots, slots);
	EXPECT_EQ(now.memory - before.memory, slots * REGION);
	EXPECT_EQ(now.channels - before.channels, channels);
}

static void stop_owners(void)
{
	int status;

	set_stage(END);
	for (int i = 0; i < WINDOWS; i++) {
		ASSERT_EQ(waitpid(owners[i], &status, 0), owners[i]);
		EXPECT_EQ(status, 0);
	}
}

/* What one owner does, and what the administrator does to another, the rest of them do not notice. */
TEST_WITHIN(sixty_four_channels_between_sixteen_windows, 240)
{
	struct channel_counts before = channel_counts_now(), after;
	int references = module_users();

	start_owners();
	set_goals(true);
	set_stage(TALK);
	wait_until(goals_are_reached);
	expect_counts(before, WINDOWS, ENDS * CHANNELS, CHANNELS);

	set_stage(LEAVE);
	revoke_all_of(REVOKED);
	set_goals(false);
	wait_until(all_are_told);
	wait_until(goals_are_reached);
	expect_cut_as_it_was();
	expect_counts(before, WINDOWS - 1, ENDS * CHANNELS - SLOTS, count_lasting());

	set_stage(DRAIN);
	wait_until(all_are_quiet);
	wait_until(nothing_is_under_way);
	stop_owners();
	channel_sweep();
	after = channel_counts_now();
	EXPECT(!memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(module_users(), references);
}
