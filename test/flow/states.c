// SPDX-License-Identifier: Apache-2.0
// cflags: -O0 (its variables are where they are said to be)
/*
 * A program with two states that differ in a known way.
 *
 *	states FILE
 *
 * Tells "0" in FILE when the first stands, "1" when SIGUSR1 has brought it to the second.
 */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

enum { PAGE = 4096, BIG = 100000, LEVELS = 3, FILL = 64 * PAGE };

enum mood { CALM, BUSY = 5, ANGRY };

struct player {
	int hp;
	char name[16];
	double speed;
	enum mood mood;
	unsigned alive : 1;
	unsigned lives : 4;
	int signed_bits : 6;
};

union number {
	int whole;
	unsigned char bytes[4];
};

struct game {
	struct player player;
	struct player others[3];
	union number number;
	int board[3][4];
	struct game *self;
	const int *cursor;
	void (*action)(void);
};

static void act_one(void) {}

static void act_two(void) {}

struct game game = {
	.player = {5, "first", 1.5, CALM, 1, 3, -2},
	.others = {{1, "a", 0, CALM, 0, 0, 0}, {2, "b", 0, CALM, 0, 0, 0}},
	.number = {1},
	.action = act_one,
};
int table[20];
int scattered[64];
int big[BIG];
long untouched = 7;
char text[32] = "before";
char long_text[600];
uint8_t raw[8];
float ratio = 0.5f;
bool flag;
static int hidden = 1;
const char *word = "one";
static __thread int mine = 10;
static int total;

static const char *told;
static char *filler;
static sem_t go, there;

static void tell(const char *what)
{
	int fd = open(told, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, what, 1) != 1)
		exit(1);
	close(fd);
}

static void sleep_on(void)
{
	for (;;)
		pause();
}

static void on_signal(int sig)
{
	(void)sig;
	sem_post(&go);
}

static void wait_for_go(void)
{
	while (sem_wait(&go) != 0)
		;
}

static void *work(void *arg)
{
	mine = *(int *)arg;
	sem_post(&there);
	sleep_on();
	return NULL;
}

static void start_thread(int *number)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, work, number) != 0)
		exit(1);
	while (sem_wait(&there) != 0)
		;
}

static void change_globals(void)
{
	static int calls = 3;

	calls++;
	total += calls;
	game.player.hp = 100;
	strcpy(game.player.name, "second");
	game.player.mood = ANGRY;
	game.player.lives = 9;
	game.player.signed_bits = -5;
	game.others[1].hp = 22;
	game.number.whole = 2;
	game.board[1][2] = 7;
	game.self = &game;
	game.cursor = &table[4];
	game.action = act_two;
	for (int i = 3; i <= 7; i++)
		table[i] = i * 11;
	for (int i = 0; i < 64; i += 2)
		scattered[i] = 1;
	big[77777] = 1;
	strcpy(text, "after");
	long_text[500] = 'z';
	raw[3] = 255;
	ratio = 0.25f;
	flag = true;
	hidden = 2;
	word = "two";
	mine = 11;
}

static void change_system(void)
{
	struct itimerval soon = {{0, 0}, {1000000, 0}};
	struct sigaction action = {.sa_handler = SIG_IGN};
	sigset_t set;

	if (open("/dev/null", O_WRONLY) < 0)
		exit(1);
	setitimer(ITIMER_REAL, &soon, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	mprotect(filler, PAGE, PROT_READ);
}

static void descend(int depth)
{
	int local = depth * 2;

	if (depth > 0) {
		descend(depth - 1);
		total += local;
		return;
	}
	tell("1");
	sleep_on();
}

static void play(void)
{
	static int second = 21, third = 22;
	int step = 1;
	int seen[4] = {1, 2, 3, 4};

	start_thread(&second);
	tell("0");
	wait_for_go();
	step = 2;
	seen[2] = 33;
	change_globals();
	change_system();
	filler[5 * PAGE + 16] = 'x';
	start_thread(&third);
	descend(LEVELS);
	total += step + seen[0];
}

int main(int argc, char **argv)
{
	int outer = 50;

	told = argc > 1 ? argv[1] : "/dev/null";
	sem_init(&go, 0, 0);
	sem_init(&there, 0, 0);
	signal(SIGUSR1, on_signal);
	filler = mmap(NULL, FILL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (filler == MAP_FAILED)
		return 1;
	for (int i = 0; i < FILL; i++)
		filler[i] = (char)(i / PAGE);
	memset(long_text, 'x', sizeof(long_text) - 1);
	play();
	return outer + hidden + (int)untouched;
}
