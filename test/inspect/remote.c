// SPDX-License-Identifier: Apache-2.0
// What the target of gdb's protocol has to show beside deep.c: many threads with variables of
// their own, a signal that waits, vector and x87 registers, and two moments that differ.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 60 };

static volatile int round_number = 1;
static volatile float history[4] = {0.5F};
static __thread int mine = 7;
static __thread char label[16] = "main";

static const int lanes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
static const double third = 0.333;

static void count(int sig)
{
	(void)sig;
	history[round_number & 3] = (float)round_number * 1.5F;
	round_number++;
}

static int __attribute__((noinline)) wait_here(int number, const char *text)
{
	for (;;)
		pause();
	return number + text[0];
}

static void *work(void *arg)
{
	mine = (int)(long)arg;
	snprintf(label, sizeof(label), "thread %d", mine);
	wait_here(mine, label);
	return NULL;
}

// Waits with known registers: none is touched by the system call.
static void __attribute__((noinline)) wait_with_registers(void)
{
	fputs("ready\n", stdout);
	fflush(stdout);
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vmovdqu %0, %%ymm1" : : "m"(lanes) : "xmm1");
	__asm__ volatile("fninit\n\tfldl %0\n\tfldpi\n\t"
			 "movdqu %1, %%xmm2\n\t"
			 "1: mov %2, %%eax\n\tsyscall\n\tjmp 1b"
			 :
			 : "m"(third), "m"(lanes), "i"(SYS_pause)
			 : "rax", "rcx", "r11", "xmm2", "memory");
}

int main(void)
{
	struct sigaction action = {.sa_handler = count};
	pthread_t threads[THREADS];
	sigset_t set;

	// By it the file can be read when its name is gone, without CAP_CHECKPOINT_RESTORE.
	open("/proc/self/exe", O_RDONLY);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)(i + 100));
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_kill(pthread_self(), SIGUSR2);
	usleep(100000);
	wait_with_registers();
	return 0;
}
