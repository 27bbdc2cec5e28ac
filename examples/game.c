// SPDX-License-Identifier: Apache-2.0
/*
 * game - a small dungeon, without any way to save
 *
 *	$ snapsh run -d -n game build/examples/game
 *	$ snapsh console game           # play; Ctrl-] leaves it running
 *	$ snapsh snap game -m 'before the dragon'
 *	$ snapsh revert game@latest     # that did not go well
 *
 * It reads a word a line: look, fight, drink, go, quit. Dice fall from what the hero is and
 * what the dungeon has rolled so far, so who goes back and does the same meets the same fate;
 * a drink before the fight may change it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ROOMS = 10, HP_MAX = 30, LINE_BYTES = 80 };

struct player {
	int hp, gold, potions;
};

struct monster {
	char name[16];
	int hp;
};

struct game {
	struct player player;
	struct monster monster;
	int room;
	uint64_t dice;
};

static struct game game = {.player = {HP_MAX, 0, 2}, .dice = 42};

static int roll(int sides)
{
	game.dice = game.dice * 6364136223846793005 + 1442695040888963407;
	return (int)((game.dice >> 33) % (uint64_t)sides) + 1;
}

static void enter(int room)
{
	static const char *const names[] = {"rat", "bat", "goblin", "wolf", "ghost", "troll"};

	game.room = room;
	game.monster.hp = room == ROOMS ? 40 : 2 + room;
	snprintf(game.monster.name, sizeof(game.monster.name), "%s",
		 room == ROOMS ? "dragon" : names[roll(6) - 1]);
}

static void look(void)
{
	printf("room %d, hp %d, gold %d, potions %d", game.room, game.player.hp, game.player.gold,
	       game.player.potions);
	if (game.monster.hp > 0)
		printf(", a %s with hp %d", game.monster.name, game.monster.hp);
	printf("\n");
}

static void fight(void)
{
	if (game.monster.hp <= 0) {
		printf("there is nobody to fight\n");
		return;
	}
	game.monster.hp -= roll(6);
	if (game.monster.hp <= 0) {
		game.player.gold += 10 * game.room;
		printf("the %s is dead\n", game.monster.name);
	} else {
		game.player.hp -= roll(game.room == ROOMS ? 8 : 3);
		printf("the %s bites\n", game.monster.name);
	}
}

static void drink(void)
{
	if (game.player.potions == 0) {
		printf("no potion is left\n");
		return;
	}
	game.player.potions--;
	game.player.hp = HP_MAX;
	game.dice++;
	printf("that did good\n");
}

static void go(void)
{
	if (game.monster.hp > 0)
		printf("the %s is in the way\n", game.monster.name);
	else if (game.room < ROOMS)
		enter(game.room + 1);
}

/* Whether the game goes on. */
static bool turn(const char *word)
{
	if (strcmp(word, "fight") == 0)
		fight();
	else if (strcmp(word, "drink") == 0)
		drink();
	else if (strcmp(word, "go") == 0)
		go();
	else if (strcmp(word, "quit") == 0)
		return false;
	else if (strcmp(word, "look") != 0)
		printf("look, fight, drink, go or quit?\n");
	if (game.player.hp <= 0) {
		printf("you are dead, with %d gold\n", game.player.gold);
		return false;
	}
	if (game.room == ROOMS && game.monster.hp <= 0) {
		printf("the dungeon is yours, and %d gold\n", game.player.gold);
		return false;
	}
	look();
	return true;
}

int main(void)
{
	char line[LINE_BYTES];

	setvbuf(stdout, NULL, _IOLBF, 0);
	enter(1);
	look();
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\r\n")] = '\0';
		if (!turn(line))
			return 0;
	}
	return 0;
}
