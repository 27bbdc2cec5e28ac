// SPDX-License-Identifier: Apache-2.0
#include "core/track/remaps.h"

#include "core/kernel/uapi.h"
#include "core/track/internal.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* It is noted before the message is taken: from then on the program runs. */
static void *read_all(void *arg)
{
	struct remaps *remaps = arg;
	struct pollfd ready[] = {{remaps->uffd, POLLIN, 0}, {remaps->stop, POLLIN, 0}};
	struct uffd_msg message;

	while (poll(ready, 2, -1) >= 0 || errno == EINTR) {
		if (ready[1].revents)
			break;
		if (!ready[0].revents)
			continue;
		atomic_store(&remaps->happened, true);
		if (read(remaps->uffd, &message, sizeof(message)) < 0 && errno != EAGAIN)
			break;
	}
	return NULL;
}

/* Without any signal: those are for the thread that made it. */
static int start_reader(struct remaps *remaps)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&remaps->reader, NULL, read_all, remaps);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

int remaps_begin(struct remaps *remaps, struct remote *remote, struct sn_err *err)
{
	remaps_end(remaps);
	if (uffd_make(remote,
		      UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED |
			      UFFD_FEATURE_WP_HUGETLBFS_SHMEM | UFFD_FEATURE_EVENT_REMAP,
		      UFFD_USER_MODE_ONLY, &remaps->uffd, err) < 0)
		return -1;
	remaps->stop = eventfd(0, EFD_CLOEXEC);
	if (remaps->stop >= 0 && start_reader(remaps) == 0)
		return 0;
	close(remaps->uffd);
	remaps->uffd = -1;
	if (remaps->stop >= 0)
		close(remaps->stop);
	return 0; /* then shared memory is compared */
}

void remaps_end(struct remaps *remaps)
{
	uint64_t one = 1;

	if (remaps->uffd < 0)
		return;
	(void)!write(remaps->stop, &one, sizeof(one));
	pthread_join(remaps->reader, NULL);
	close(remaps->uffd); /* whoever waits goes on */
	close(remaps->stop);
	remaps->uffd = -1;
}

bool remaps_happened(struct remaps *remaps)
{
	return atomic_exchange(&remaps->happened, false);
}
