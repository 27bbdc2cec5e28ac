// SPDX-License-Identifier: Apache-2.0
/*
 * A terminal is outside the tree: the application inherits one. In place it keeps the one
 * it has; a rebuilt process gets that of the person who brings it back, with the modes and
 * the size it had.
 */
#include "core/kinds/chardev.h"

#include "core/base/guard.h"
#include "core/kinds/named.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

enum device { DEVICE_UNKNOWN, DEVICE_STATELESS, DEVICE_TTY };

/* Documentation/admin-guide/devices.txt */
static const struct {
	unsigned major, first, last;
	enum device device;
} devices[] = {
	{1, 3, 3, DEVICE_STATELESS},  /* null */
	{1, 5, 5, DEVICE_STATELESS},  /* zero */
	{1, 7, 9, DEVICE_STATELESS},  /* full, random, urandom */
	{4, 0, 63, DEVICE_TTY},       /* virtual consoles */
	{5, 0, 1, DEVICE_TTY},        /* /dev/tty, /dev/console */
	{136, 0, 1048575, DEVICE_TTY}, /* pseudo-terminals' slave sides, 136 to 143 */
};

static enum device classify(uint64_t rdev)
{
	unsigned number = major(rdev);
	size_t i;

	if (number >= 136 && number <= 143)
		number = 136;
	for (i = 0; i < sn_countof(devices); i++)
		if (devices[i].major == number && minor(rdev) >= devices[i].first &&
		    minor(rdev) <= devices[i].last)
			return devices[i].device;
	return DEVICE_UNKNOWN;
}

static bool recognise(const struct file_probe *probe)
{
	return S_ISCHR(probe->stat.st_mode) && !(probe->flags & O_PATH);
}

static int ask_tty(struct reading *r, Sn__CharDevice *device, struct sn_err *err)
{
	struct winsize winsize;
	struct termios2 modes;
	int fd = reading_fd(r, err);
	uint64_t addr;

	if (fd < 0)
		return -1;
	device->tty = true;
	if (ioctl(fd, TCGETS2, &modes) == 0) /* fails once the terminal has hung up */
		kind_set_bytes(&device->termios, &modes, sizeof(modes));
	if (ioctl(fd, TIOCGWINSZ, &winsize) == 0)
		kind_set_bytes(&device->winsize, &winsize, sizeof(winsize));
	/* answered only by the controlling terminal of who asks */
	r->keep[1] = remote_room(r->remote, sizeof(pid_t), &addr);
	r->keep[0] = remote_try(r->remote, "ask a terminal for its session", SYS_ioctl,
				(uint64_t)r->probe->fd, TIOCGSID, addr);
	return 0;
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	const struct file_probe *probe = r->probe;
	sn_auto_free char *path = named_path(probe);
	Sn__CharDevice *device = message;

	device->rdev = probe->stat.st_rdev;
	kind_set_string(&device->path, path);
	switch (classify(device->rdev)) {
	case DEVICE_STATELESS:
		return named_no_locks(probe, err);
	case DEVICE_TTY:
		return named_no_locks(probe, err) < 0 ? -1 : ask_tty(r, device, err);
	default:
		return sn_fail(err, "%s: device %u:%u cannot be captured", path,
			       major(device->rdev), minor(device->rdev));
	}
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const struct remote_call *call = r->keep[0];
	const pid_t *session = r->keep[1];
	Sn__CharDevice *device = message;

	(void)err;
	if (device->tty)
		device->controlling = call->result == 0 && *session > 0;
	return 0;
}

/* Any terminal is as good as another: there is one outside, and after a rebuild its
 * number has changed. */
static bool same(const Sn__OpenFile *have, const Sn__OpenFile *want)
{
	if ((have->flags & O_ACCMODE) != (want->flags & O_ACCMODE) ||
	    have->chardev->tty != want->chardev->tty)
		return false;
	return have->chardev->tty || have->chardev->rdev == want->chardev->rdev;
}

static const char *refuse(const Sn__Image *want, const Sn__OpenFile *file)
{
	struct stat stat;

	(void)want;
	if (file->chardev->tty)
		return NULL;
	if (lstat(file->chardev->path, &stat) < 0)
		return "the device is not there";
	if (!S_ISCHR(stat.st_mode) || stat.st_rdev != file->chardev->rdev)
		return "another file has taken the device's name";
	return NULL;
}

static int make(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	const char *path = want->chardev->path;
	int fd;

	if (want->chardev->tty) {
		path = a->tty ? a->tty : "/dev/null";
		if (!a->tty)
			applying_note(a, "%s: no terminal is there to take its place, "
					 "/dev/null does", want->chardev->path);
	}
	if (named_open(a, path, want->flags, &fd, err) < 0)
		return -1;
	return applying_made(a, want->id, fd, err);
}

static bool same_bytes(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* Modes and size, through a descriptor of ours: our session is not the terminal's, so there
 * is no SIGTTOU. Before it controls a process, so nobody hears of the new size. */
static int set_modes(struct applying *a, const Sn__CharDevice *have, const Sn__CharDevice *want,
		     int fd, struct sn_err *err)
{
	bool modes = want->termios.len == sizeof(struct termios2) &&
		     !(have && same_bytes(&have->termios, &want->termios));
	bool size = want->winsize.len == sizeof(struct winsize) &&
		    !(have && same_bytes(&have->winsize, &want->winsize));
	sn_auto_fd int local = -1;

	if (!modes && !size)
		return 0;
	local = applying_fd(a, fd, err);
	if (local < 0)
		return -1;
	if ((modes && ioctl(local, TCSETS2, want->termios.data) < 0) ||
	    (size && ioctl(local, TIOCSWINSZ, want->winsize.data) < 0))
		applying_note(a, "fd %d: the terminal's modes stay as they are: %s", fd,
			      strerror(errno));
	return 0;
}

static int settle(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want, int fd,
		  struct sn_err *err)
{
	const Sn__CharDevice *device = want->chardev;
	struct remote_call *control;

	if (!device->tty || (!have && !a->tty))
		return 0;
	if (set_modes(a, have ? have->chardev : NULL, device, fd, err) < 0)
		return -1;
	if (have || !device->controlling || a->want_task->sid != a->want_task->pid)
		return 0;
	control = remote_try(a->remote, "take a controlling terminal", SYS_ioctl, (uint64_t)fd,
			     TIOCSCTTY, 0);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	if (control->result < 0)
		applying_note(a, "fd %d: no controlling terminal: %s", fd,
			      strerror((int)-control->result));
	return 0;
}

static const struct file_ops ops = {
	.recognise = recognise,
	.same = same,
	.make = make,
	.settle = settle,
	.refuse = refuse,
};

const struct kind kind_chardev = {
	.name = "device",
	.level = KIND_FILE,
	.field = 13,
	.ask = ask,
	.take = take,
	.file = &ops,
};
