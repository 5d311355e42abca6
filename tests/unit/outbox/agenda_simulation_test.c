// SPDX-License-Identifier: Apache-2.0
// Property tests of outbox/agenda.h: the agenda is driven as relay.c drives it, against a model of the
// database, in every order in which looks, claims and transactions can overtake each other. A failure names
// its seed.
#include "outbox/agenda.h"
#include "outbox/model.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { CLAIMS = 3, STEPS = 500, ROUND_US = 2000 };

enum stage { STAGE_NONE, STAGE_SENT, STAGE_EXECUTED, STAGE_PUBLISHING };

// A claim or a look: sent, executed by the server, then the answer arrives.
struct errand {
    enum stage stage;
    struct range range;
    struct model_claimed claimed;
};

// What a family of simulations may do.
struct profile {
    uint64_t seeds;
    int time_step_us;  // the most that passes between two steps
    int64_t budget_us; // within which everything must be settled once all transactions have ended
    int rivals;        // percent of the steps that concern other relays
    int deaths;        // per mille of the steps in which the relay dies and starts again
    int delays;        // percent of the events that are scheduled, or refused once by the broker
};

struct simulation {
    const struct profile *profile;
    uint64_t seed;
    struct model model;
    struct agenda *agenda;
    int64_t now;
    int64_t floor_stored;
    int64_t floor_checked;
    int limit;
    int writers; // percent of the steps that concern writers, drawn for each seed, as is
    int crowd;   // how many transactions of others run at once, about
    int looks;   // the percentage of the others that concern looks: from slow looks to slow claims
    struct errand look;
    int64_t look_floor;
    int64_t look_settle_to;
    struct look found;
    char snapshot[MODEL_SNAPSHOT_SIZE];
    struct errand claims[CLAIMS];
};

static void require(const struct simulation *simulation, bool holds, const char *what) {
    if (!holds) {
        fail_msg("seed %" PRIu64 ": %s", simulation->seed, what);
    }
}

// The floor never passes an event that is committed and unsent, nor an id of a running transaction.
static void check_floor(struct simulation *simulation) {
    int64_t floor = agenda_floor(simulation->agenda);
    require(simulation, floor <= simulation->model.last_drawn, "the floor is above all ids");
    for (; simulation->floor_checked < floor; simulation->floor_checked++) {
        require(simulation, model_is_final(&simulation->model.events[simulation->floor_checked + 1]),
                "the floor has passed an event");
    }
}

static void step_look(struct simulation *simulation) {
    struct errand *look = &simulation->look;
    struct error error = {0};
    switch (look->stage) {
    case STAGE_NONE:
        agenda_begin_look(simulation->agenda, false, simulation->now, &simulation->look_floor,
                          &simulation->look_settle_to);
        look->stage = STAGE_SENT;
        break;
    case STAGE_SENT:
        simulation->found = model_look(&simulation->model, simulation->look_floor, simulation->look_settle_to,
                                       simulation->now, simulation->snapshot);
        look->stage = STAGE_EXECUTED;
        break;
    default:
        require(simulation, agenda_looked(simulation->agenda, &simulation->found, simulation->now, &error),
                "a look is not understood");
        look->stage = STAGE_NONE;
        check_floor(simulation);
        break;
    }
}

static void start_claim(struct simulation *simulation, struct errand *claim) {
    for (int index = 0; index < CLAIMS; index++) {
        enum stage stage = simulation->claims[index].stage;
        if (stage == STAGE_SENT || stage == STAGE_EXECUTED) {
            return; // one claim fetches at a time
        }
    }
    if (agenda_next(simulation->agenda, simulation->now, simulation->limit, &claim->range)) {
        agenda_started(simulation->agenda, &claim->range, simulation->now);
        claim->stage = STAGE_SENT;
    }
}

static void execute_claim(struct simulation *simulation, struct errand *claim) {
    struct model *model = &simulation->model;
    claim->claimed = model_claim(model, &claim->range, MODEL_OWN, simulation->now);
    claim->stage = STAGE_EXECUTED;
    for (int64_t id = 1; claim->claimed.rows > 0 && id <= model->last_drawn; id++) {
        struct model_event *event = &model->events[id];
        // Beside other relays the sweep may come upon what they have let go, or on a late committer before
        // the gap is read again, but never below the floor; alone it finds nothing at all.
        require(simulation,
                claim->range.kind != RANGE_SWEEP || event->locker != claim->claimed.xid ||
                    (simulation->profile->rivals > 0 && id > agenda_floor(simulation->agenda)),
                "the sweep had to rescue an event");
        event->deferred |= event->locker == claim->claimed.xid && event->let_go == 0 &&
                           model_chance(model, simulation->profile->delays);
    }
}

static void end_claim(struct simulation *simulation, struct errand *claim, enum model_ending ending) {
    if (claim->stage >= STAGE_EXECUTED && claim->claimed.xid != 0) {
        model_end(&simulation->model, claim->claimed.xid, ending, simulation->now);
    }
    claim->stage = STAGE_NONE;
}

static void step_claim(struct simulation *simulation, struct errand *claim) {
    switch (claim->stage) {
    case STAGE_NONE:
        start_claim(simulation, claim);
        break;
    case STAGE_SENT:
        execute_claim(simulation, claim);
        break;
    case STAGE_EXECUTED:
        agenda_fetched(simulation->agenda, &claim->range, claim->claimed.rows, claim->claimed.last_id,
                       claim->claimed.xid, simulation->now);
        claim->stage = STAGE_PUBLISHING;
        break;
    case STAGE_PUBLISHING:
        end_claim(simulation, claim, MODEL_COMMIT);
        agenda_finished(simulation->agenda, &claim->range, claim->claimed.rows, claim->claimed.last_id);
        check_floor(simulation);
        break;
    }
}

static void step_writer(struct simulation *simulation) {
    struct model *model = &simulation->model;
    enum model_kind kind = model_chance(model, 20) ? MODEL_BYSTANDER : MODEL_WRITER;
    uint64_t xid = model_pick(model, kind);
    int action = model_random(model, 10);
    if (action < 3 && model->running_count < simulation->crowd) {
        model_begin(model, kind);
    } else if (action < 7 && kind == MODEL_WRITER && xid != 0 && !model_is_full(model)) {
        bool scheduled = model_chance(model, simulation->profile->delays / 2);
        model_insert(model, xid, scheduled ? simulation->now + 1 + model_random(model, 5000) : 0);
    } else if (action >= 7 && xid != 0) {
        model_end(model, xid, model_chance(model, 75) ? MODEL_COMMIT : MODEL_ROLLBACK, simulation->now);
    }
}

// Another relay: it claims somewhere, and marks or dies.
static void step_rival(struct simulation *simulation) {
    struct model *model = &simulation->model;
    uint64_t xid = model_pick(model, MODEL_RIVAL);
    if (xid != 0 && model_chance(model, 60)) {
        model_end(model, xid, model_chance(model, 50) ? MODEL_COMMIT : MODEL_ROLLBACK, simulation->now);
    } else if (model->last_drawn > 0) {
        int64_t after = model_random(model, (int)model->last_drawn);
        const struct range range = {.kind = model_chance(model, 20) ? RANGE_DUE : RANGE_FORWARD,
                                    .after = after,
                                    .to = INT64_MAX,
                                    .limit = 5};
        model_claim(model, &range, MODEL_RIVAL, simulation->now);
    }
}

// The relay loses its connections: the server ends its transactions, and it begins anew from the stored
// floor.
static void die(struct simulation *simulation) {
    for (int index = 0; index < CLAIMS; index++) {
        bool commit =
            simulation->claims[index].stage == STAGE_PUBLISHING && model_chance(&simulation->model, 50);
        end_claim(simulation, &simulation->claims[index], commit ? MODEL_COMMIT : MODEL_ROLLBACK);
    }
    simulation->look.stage = STAGE_NONE;
    agenda_reset(simulation->agenda, simulation->floor_stored, simulation->now);
}

static void step(struct simulation *simulation) {
    struct model *model = &simulation->model;
    simulation->now += model_random(model, simulation->profile->time_step_us);
    if (model_random(model, 1000) < simulation->profile->deaths) {
        die(simulation);
    } else if (model_chance(model, simulation->profile->rivals)) {
        step_rival(simulation);
    } else if (model_chance(model, simulation->writers)) {
        step_writer(simulation);
    } else if (model_chance(model, simulation->looks)) {
        step_look(simulation);
    } else if (model_chance(model, 5)) {
        agenda_expect_new(simulation->agenda);
    } else if (model_chance(model, 5)) {
        simulation->floor_stored = agenda_floor(simulation->agenda);
    } else {
        step_claim(simulation, &simulation->claims[model_random(model, CLAIMS)]);
    }
}

// One round of a relay that is left alone: finish what is under way, claim until there is nothing to claim,
// look.
static void round_off(struct simulation *simulation) {
    for (int index = 0; index < CLAIMS; index++) {
        do {
            step_claim(simulation, &simulation->claims[index]);
        } while (simulation->claims[index].stage != STAGE_NONE);
    }
    do {
        step_look(simulation);
    } while (simulation->look.stage != STAGE_NONE);
    simulation->now += ROUND_US;
}

static bool is_settled(const struct simulation *simulation) {
    struct range range;
    for (int64_t id = 1; id <= simulation->model.last_drawn; id++) {
        if (model_is_waiting(&simulation->model.events[id])) {
            return false;
        }
    }
    bool idle = !agenda_next(simulation->agenda, simulation->now, 1, &range) || range.kind == RANGE_SWEEP;
    return idle && agenda_is_settled(simulation->agenda) &&
           !agenda_has_work(simulation->agenda, simulation->now) &&
           agenda_floor(simulation->agenda) >= model_newest(&simulation->model);
}

static void settle(struct simulation *simulation) {
    struct model *model = &simulation->model;
    model_end_all(model, MODEL_WRITER, simulation->now);
    model_end_all(model, MODEL_BYSTANDER, simulation->now);
    model_end_all(model, MODEL_RIVAL, simulation->now);
    int64_t end = simulation->now + simulation->profile->budget_us;
    while (simulation->now < end && !is_settled(simulation)) {
        round_off(simulation);
    }
    require(simulation, is_settled(simulation), "not settled in time");
    for (int64_t id = 1; id <= model->last_drawn; id++) {
        const struct model_event *event = &model->events[id];
        require(simulation, event->sent == event->committed, "a committed event was not sent");
        require(simulation, event->claims == event->let_go + event->sent, "claimed more often than let go");
    }
    require(simulation, agenda_rescued(simulation->agenda) == 0, "something had to be rescued");
}

static void simulate(const struct profile *profile) {
    static struct simulation simulation;
    for (uint64_t seed = 1; seed <= profile->seeds; seed++) {
        simulation = (struct simulation){.profile = profile, .seed = seed};
        model_init(&simulation.model, seed);
        simulation.agenda = agenda_new();
        simulation.limit = 1 + model_random(&simulation.model, 8);
        simulation.writers = 20 + model_random(&simulation.model, 50);
        simulation.crowd = 2 + model_random(&simulation.model, 10);
        simulation.looks = 5 + model_random(&simulation.model, 65);
        agenda_reset(simulation.agenda, 0, 0);
        for (int index = 0; index < STEPS; index++) {
            step(&simulation);
        }
        settle(&simulation);
        agenda_free(simulation.agenda);
    }
}

// Nothing may have to wait for the sweep, whose first step comes after a second.
static void alone_it_sends_everything_promptly(void **state) {
    (void)state;
    simulate(&(struct profile){.seeds = 4000, .time_step_us = 20, .budget_us = 800000, .delays = 4});
}

static void after_deaths_it_sends_everything_promptly(void **state) {
    (void)state;
    simulate(
        &(struct profile){.seeds = 2000, .time_step_us = 20, .budget_us = 800000, .delays = 4, .deaths = 5});
}

static void with_other_relays_everything_is_sent(void **state) {
    (void)state;
    simulate(&(struct profile){
        .seeds = 3000, .time_step_us = 10000, .budget_us = 20000000, .rivals = 15, .deaths = 2, .delays = 4});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_it_sends_everything_promptly),
        cmocka_unit_test(after_deaths_it_sends_everything_promptly),
        cmocka_unit_test(with_other_relays_everything_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
