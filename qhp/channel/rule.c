// SPDX-License-Identifier: GPL-2.0
/*
 * Who may connect to whom. Without a rule nobody may: a rule names a channel, the
 * window that listens, and the window that connects. Names of windows are given by
 * the administrator, and rules may be there before the windows are.
 */

#include <linux/hashtable.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/stringhash.h>

#include "channel.h"
#include "qhp/fabric/pure/name.h"

/**
 * struct rule - a rule
 * @node: in the list
 * @by_listener: among the rules for this name and listener
 * @by_connecter: among the rules for this name and connecter
 * @by_all: among those for all three names
 * @id: its id, never reused
 * @name: of channels
 * @listener: of the window that may listen to them
 * @connecter: of the window that may connect to them
 */
struct rule {
	struct list_head node;
	struct hlist_node by_listener;
	struct hlist_node by_connecter;
	struct hlist_node by_all;
	u64 id;
	char name[QUEZTL_NAME_MAX];
	char listener[QUEZTL_NAME_MAX];
	char connecter[QUEZTL_NAME_MAX];
};

/* In the order of their ids; these are under qz_channels_lock. */
static LIST_HEAD(rules);
static DEFINE_HASHTABLE(by_listener, 10);
static DEFINE_HASHTABLE(by_connecter, 10);
static DEFINE_HASHTABLE(by_all, 10);
static u64 last_id;
static unsigned int nrules;

static u32 hash_of(const char *name, const char *window)
{
	return full_name_hash(NULL, name, strlen(name)) ^
	       hash_32(full_name_hash(NULL, window, strlen(window)), 32);
}

static u32 hash_of_all(const char *name, const char *listener,
		       const char *connecter)
{
	return hash_of(name, listener) + hash_of(name, connecter);
}

static struct rule *find_rule(const char *name, const char *listener,
			      const char *connecter)
{
	struct rule *rule;

	lockdep_assert_held(&qz_channels_lock);
	hash_for_each_possible(by_all, rule, by_all,
			       hash_of_all(name, listener, connecter))
		if (!strcmp(rule->name, name) &&
		    !strcmp(rule->listener, listener) &&
		    !strcmp(rule->connecter, connecter))
			return rule;
	return NULL;
}

/* May this window listen to that name? */
bool qz_rule_listens(const char *name, const char *listener)
{
	const struct rule *rule;

	lockdep_assert_held(&qz_channels_lock);
	hash_for_each_possible(by_listener, rule, by_listener,
			       hash_of(name, listener))
		if (!strcmp(rule->name, name) &&
		    !strcmp(rule->listener, listener))
			return true;
	return false;
}

/* May this window connect to that name, if somebody listens? */
bool qz_rule_knows(const char *name, const char *connecter)
{
	const struct rule *rule;

	lockdep_assert_held(&qz_channels_lock);
	hash_for_each_possible(by_connecter, rule, by_connecter,
			       hash_of(name, connecter))
		if (!strcmp(rule->name, name) &&
		    !strcmp(rule->connecter, connecter))
			return true;
	return false;
}

bool qz_rule_connects(const char *name, const char *listener,
		      const char *connecter)
{
	return find_rule(name, listener, connecter);
}

static void link_rule(struct rule *rule)
{
	list_add_tail(&rule->node, &rules);
	hash_add(by_listener, &rule->by_listener,
		 hash_of(rule->name, rule->listener));
	hash_add(by_connecter, &rule->by_connecter,
		 hash_of(rule->name, rule->connecter));
	hash_add(by_all, &rule->by_all,
		 hash_of_all(rule->name, rule->listener, rule->connecter));
	nrules++;
}

static void unlink_rule(struct rule *rule)
{
	list_del(&rule->node);
	hash_del(&rule->by_listener);
	hash_del(&rule->by_connecter);
	hash_del(&rule->by_all);
	nrules--;
}

static bool names_are_good(const struct queztl_channel_rule *rule)
{
	return qz_name_is_good(rule->name) && qz_name_is_good(rule->listener) &&
	       qz_name_is_good(rule->connecter);
}

int qz_rule_add(struct queztl_channel_rule *arg)
{
	struct rule *rule;
	int err = 0;

	if (!names_are_good(arg))
		return -EINVAL;
	rule = kzalloc(sizeof(*rule), GFP_KERNEL_ACCOUNT);
	if (!rule)
		return -ENOMEM;
	strscpy(rule->name, arg->name);
	strscpy(rule->listener, arg->listener);
	strscpy(rule->connecter, arg->connecter);

	spin_lock(&qz_channels_lock);
	if (find_rule(arg->name, arg->listener, arg->connecter)) {
		err = -EEXIST;
	} else if (nrules == QZ_MAX_RULES) {
		err = -ENOSPC;
	} else {
		rule->id = ++last_id;
		arg->id = rule->id;
		link_rule(rule);
		rule = NULL;
	}
	spin_unlock(&qz_channels_lock);
	kfree(rule);
	return err;
}

/* When this returns no channel is there that only this rule allowed. */
int qz_rule_del(const struct queztl_channel_rule *arg)
{
	struct rule *rule;

	if (!names_are_good(arg))
		return -EINVAL;
	spin_lock(&qz_channels_lock);
	rule = find_rule(arg->name, arg->listener, arg->connecter);
	if (rule)
		unlink_rule(rule);
	spin_unlock(&qz_channels_lock);
	if (!rule)
		return -ENOENT;
	kfree(rule);
	qz_channel_enforce(arg);
	return 0;
}

int qz_rule_next(struct queztl_channel_rule *next)
{
	const struct rule *rule;
	int err = -ENOENT;

	spin_lock(&qz_channels_lock);
	list_for_each_entry(rule, &rules, node) {
		if (rule->id <= next->id)
			continue;
		next->id = rule->id;
		strscpy_pad(next->name, rule->name);
		strscpy_pad(next->listener, rule->listener);
		strscpy_pad(next->connecter, rule->connecter);
		err = 0;
		break;
	}
	spin_unlock(&qz_channels_lock);
	return err;
}

void qz_rule_exit(void)
{
	struct rule *rule, *next;

	list_for_each_entry_safe(rule, next, &rules, node)
		kfree(rule);
}
