// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "sysfile.h"

#define SECURE_BOOT	"/sys/firmware/efi/efivars/" \
			"SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
/* What DKMS signs with, unless it is configured otherwise. */
#define CERTIFICATE	"/var/lib/dkms/mok.pub"
/* The module may be compressed, and modinfo reads what modprobe would. */
#define SIGNATURE	"PATH=/usr/sbin:/sbin:/usr/bin:/bin " \
			"modinfo -F sig_id queztl 2>/dev/null"

/* "none [integrity] confidentiality": the active mode is in brackets. */
bool is_locked_down(const char *lockdown)
{
	return strchr(lockdown, '[') && !strstr(lockdown, "[none]");
}

/* The package builds the module again; DKMS signs it if there is openssl. */
static const char *sign_command(const struct enforcement *e)
{
	return e->dkms ?
	       "sudo apt install openssl && sudo dpkg-reconfigure queztl-dkms" :
	       "sign queztl.ko with a key enrolled by mokutil: Documentation/install.rst";
}

static const char *enroll_command(const struct enforcement *e)
{
	return e->certificate ?
	       "if refused: sudo mokutil --import " CERTIFICATE ", then reboot" :
	       "if refused: sudo mokutil --import CERTIFICATE, then reboot";
}

void judge_signature(const struct enforcement *e, struct verdict *v)
{
	const char *who = e->lockdown ? "kernel lockdown" : "module.sig_enforce";
	const char *boot = e->secure_boot ? ", Secure Boot is on" : "";

	if (!e->lockdown && !e->sig_enforce)
		judge(v, VERDICT_OK, "unsigned modules can be loaded%s", NULL,
		      boot);
	else if (e->loaded)
		judge(v, VERDICT_OK, "%s accepted the module", NULL,
		      who);
	else if (e->signed_module)
		judge(v, VERDICT_WARN, "%s requires a trusted signature%s; queztl.ko is signed",
		      enroll_command(e), who, boot);
	else
		judge(v, VERDICT_FAIL, "%s refuses unsigned modules%s",
		      sign_command(e), who, boot);
}

static bool has_secure_boot(void)
{
	unsigned char value[5] = { 0 };
	FILE *file = fopen(SECURE_BOOT, "re");
	size_t length = 0;

	if (file) {
		length = fread(value, 1, sizeof(value), file);
		fclose(file);
	}
	return length == sizeof(value) && value[4] == 1;
}

static bool has_signature(void)
{
	FILE *said = popen(SIGNATURE, "re");
	char line[64];
	bool found;

	if (!said)
		return false;
	found = fgets(line, sizeof(line), said) && *line != '\n';
	pclose(said);
	return found;
}

void check_signature(struct verdict *v)
{
	struct enforcement e = { .secure_boot = has_secure_boot() };
	char line[128], path[512];

	if (read_first_line("/sys/module/module/parameters/sig_enforce",
			    line, sizeof(line)))
		e.sig_enforce = line[0] == 'Y' || line[0] == '1';
	if (read_first_line("/sys/kernel/security/lockdown", line,
			    sizeof(line)))
		e.lockdown = is_locked_down(line);
	e.loaded = module_state("queztl") == MODULE_LOADED;
	if (find_module_file("queztl", path, sizeof(path))) {
		e.dkms = strstr(path, "/dkms/");
		e.signed_module = has_signature();
	}
	e.certificate = !access(CERTIFICATE, F_OK);
	judge_signature(&e, v);
}
