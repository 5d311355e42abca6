// SPDX-License-Identifier: Apache-2.0
#include "sqs/receiver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "observe/metrics.h"
#include "sqs/visibility.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    SECOND_US = 1000000,
    UNTIL_EMPTY_WAIT_S = 1,
    PAUSE_US = 100000, // where an empty queue does not keep us waiting, for we asked it not to or it cannot
    // Ten messages of 1 MiB, each byte of them escaped: SQS states no other limit.
    ANSWER_LIMIT = 32 << 20,
    ATTEMPT_ID_SIZE = 33,
};

#define ATTEMPT_LIFE_US (INT64_C(5) * 60 * SECOND_US) // SQS remembers an attempt of a FIFO queue for so long

// One request, under way or to be repeated.
struct receive {
    struct receive *next;
    struct receiver *receiver;
    char attempt[ATTEMPT_ID_SIZE]; // ReceiveRequestAttemptId of a FIFO queue
    int64_t first_at;              // when that was sent first
    int most;                      // messages that it may bring
};

struct receiver {
    struct queue *queue;
    struct receiver_listener listener;
    struct event *timer; // until SQS is asked again
    struct receive *under_way;
    struct receive *lost; // no answer has come, so messages may be handed out: to be repeated
    struct trouble trouble;
    int64_t request_timeout_us;
    int visibility_s;
    int wait_s;
    int most;       // receives under way
    int per_answer; // messages
    int count;      // of those under way
    int reserved;   // messages that they may bring
    bool flowing;   // the last answer had messages
    bool started;   // an answer has come
    bool stopped;
};

static bool is_fifo(const struct receiver *receiver) {
    return queue_url_of(receiver->queue)->is_fifo;
}

static int64_t visibility_us(const struct receiver *receiver) {
    return (int64_t)receiver->visibility_s * SECOND_US;
}

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    struct receiver *receiver = context;
    (void)socket;
    (void)kinds;
    receiver->listener.answered(receiver->listener.context, -1);
}

struct receiver *receiver_new(struct event_base *base, struct queue *queue, const struct settings *settings,
                              const struct receiver_listener *listener) {
    struct receiver *receiver = memory_allocate(1, sizeof *receiver);
    receiver->queue = queue;
    receiver->listener = *listener;
    receiver->timer = evtimer_new(base, on_timer, receiver);
    receiver->request_timeout_us = settings->request_timeout;
    receiver->visibility_s = visibility_seconds(settings->visibility_timeout);
    receiver->wait_s = visibility_seconds(settings->wait_time);
    receiver->most = (int)settings->receives;
    receiver->per_answer =
        settings->concurrency < QUEUE_BATCH_MAX ? (int)settings->concurrency : QUEUE_BATCH_MAX;
    if (settings->until_empty != 0 && receiver->wait_s > UNTIL_EMPTY_WAIT_S) {
        receiver->wait_s = UNTIL_EMPTY_WAIT_S;
    }
    return receiver;
}

static void free_list(struct receive *receive) {
    while (receive != NULL) {
        struct receive *next = receive->next;
        free(receive);
        receive = next;
    }
}

void receiver_free(struct receiver *receiver) {
    if (receiver != NULL) {
        free_list(receiver->under_way);
        free_list(receiver->lost);
        event_free(receiver->timer);
        free(receiver);
    }
}

void receiver_stop(struct receiver *receiver) {
    receiver->stopped = true;
    event_del(receiver->timer);
}

void receiver_hurry(struct receiver *receiver) {
    event_del(receiver->timer);
}

int receiver_under_way(const struct receiver *receiver) {
    return receiver->count;
}

const struct trouble *receiver_trouble(const struct receiver *receiver) {
    return &receiver->trouble;
}

static void take_messages(struct receiver *receiver, const cJSON *messages, int64_t since) {
    const cJSON *message;
    cJSON_ArrayForEach(message, messages) {
        struct received received;
        if (received_read(&received, message, is_fifo(receiver))) {
            receiver->listener.received(receiver->listener.context, &received, since);
        } else {
            log_warn("SQS has sent a message without handle or body; it is left alone");
        }
    }
}

// Nothing is asked for a while.
static void pause_for(struct receiver *receiver, int64_t us) {
    const struct timeval time = {.tv_sec = us / SECOND_US, .tv_usec = us % SECOND_US};
    if (!receiver->stopped) {
        evtimer_add(receiver->timer, &time);
    }
}

static int take_answer(struct receiver *receiver, const struct queue_answer *answer) {
    const cJSON *messages = cJSON_GetObjectItemCaseSensitive(answer->json, "Messages");
    int count = cJSON_GetArraySize(messages);
    trouble_end(&receiver->trouble, "ReceiveMessage");
    receiver->started = true;
    receiver->flowing = count > 0;
    if (count > 0) {
        metric_count(METRIC_RECEIVED, count);
        metric_record(METRIC_RECEIVE_DURATION, clock_boot_us() - answer->asked_at);
    }
    if (count == 0 && clock_boot_us() - answer->asked_at < PAUSE_US) {
        pause_for(receiver, PAUSE_US);
    }
    take_messages(receiver, messages,
                  visibility_since(answer->asked_at, clock_boot_us(), visibility_us(receiver)));
    return count;
}

// Those that fail together have failed once.
static void rest(struct receiver *receiver, const struct queue_answer *answer) {
    receiver->flowing = false;
    if (receiver->stopped || evtimer_pending(receiver->timer, NULL)) {
        return;
    }
    pause_for(receiver, trouble_fail(&receiver->trouble, "ReceiveMessage", answer->failure, answer->reason));
}

static void unlink_receive(struct receive *receive) {
    struct receive **link = &receive->receiver->under_way;
    while (*link != receive) {
        link = &(*link)->next;
    }
    *link = receive->next;
    receive->receiver->count--;
    receive->receiver->reserved -= receive->most;
}

static void keep_lost(struct receive *receive) {
    receive->next = receive->receiver->lost;
    receive->receiver->lost = receive;
}

static void on_answer(void *context, const struct queue_answer *answer) {
    struct receive *receive = context;
    struct receiver *receiver = receive->receiver;
    int count = -1;
    unlink_receive(receive);
    if (answer->good) {
        free(receive);
        count = take_answer(receiver, answer);
    } else {
        if (is_fifo(receiver) && answer->failure == AWS_FAILURE_TRANSIENT) {
            keep_lost(receive);
        } else {
            free(receive);
        }
        if (!receiver->started && trouble_is_final(answer->failure)) {
            struct error error;
            trouble_explain(queue_url_of(receiver->queue), "ReceiveMessage", answer, &error);
            receiver->listener.broken(receiver->listener.context, &error);
            return;
        }
        rest(receiver, answer);
    }
    receiver->listener.answered(receiver->listener.context, count);
}

static void forget_outlived(struct receiver *receiver) {
    int64_t life = visibility_us(receiver) < ATTEMPT_LIFE_US ? visibility_us(receiver) : ATTEMPT_LIFE_US;
    int64_t now = clock_boot_us();
    for (struct receive **link = &receiver->lost; *link != NULL;) {
        struct receive *receive = *link;
        if (now - receive->first_at < life) {
            link = &receive->next;
        } else {
            *link = receive->next;
            free(receive);
        }
    }
}

// What a lost answer has handed out is told again to who repeats the attempt, with the same number of
// messages, until it is visible again.
static struct receive *recall(struct receiver *receiver, int most) {
    forget_outlived(receiver);
    for (struct receive **link = &receiver->lost; *link != NULL; link = &(*link)->next) {
        struct receive *receive = *link;
        if (receive->most <= most) {
            *link = receive->next;
            return receive;
        }
    }
    return NULL;
}

static struct receive *begin_receive(struct receiver *receiver, int most) {
    uint64_t numbers[2] = {0};
    struct receive *receive = memory_allocate(1, sizeof *receive);
    (void)!getrandom(numbers, sizeof numbers, 0);
    snprintf(receive->attempt, sizeof receive->attempt, "%016llx%016llx", (unsigned long long)numbers[0],
             (unsigned long long)numbers[1]);
    receive->receiver = receiver;
    receive->first_at = clock_boot_us();
    receive->most = most;
    return receive;
}

static cJSON *describe(const struct receiver *receiver, const struct receive *receive) {
    cJSON *input = cJSON_CreateObject();
    cJSON_AddNumberToObject(input, "MaxNumberOfMessages", receive->most);
    cJSON_AddNumberToObject(input, "WaitTimeSeconds", receiver->wait_s);
    cJSON_AddNumberToObject(input, "VisibilityTimeout", receiver->visibility_s);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(input, "MessageSystemAttributeNames"),
                         cJSON_CreateString("All"));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(input, "MessageAttributeNames"), cJSON_CreateString("All"));
    if (is_fifo(receiver)) {
        cJSON_AddStringToObject(input, "ReceiveRequestAttemptId", receive->attempt);
    }
    return input;
}

// Who stops wants no new messages. Of a FIFO queue the same attempt brings what a lost answer has handed out,
// and this can be given back then.
static bool may_be_sent_again(void *context) {
    const struct receive *receive = context;
    return !receive->receiver->stopped || is_fifo(receive->receiver);
}

static void send_receive(struct receiver *receiver, int most) {
    struct receive *receive = recall(receiver, most);
    if (receive == NULL) {
        receive = begin_receive(receiver, most);
    }
    receive->next = receiver->under_way;
    receiver->under_way = receive;
    receiver->count++;
    receiver->reserved += receive->most;
    const struct queue_question question = {.action = "ReceiveMessage",
                                            .input = describe(receiver, receive),
                                            .timeout_us = receiver->request_timeout_us +
                                                          (int64_t)receiver->wait_s * SECOND_US,
                                            .answer_limit = ANSWER_LIMIT,
                                            .done = on_answer,
                                            .again = may_be_sent_again,
                                            .context = receive};
    queue_ask(receiver->queue, &question);
}

// How many messages the next one may bring, 0: none is sent. Where there is not much room, one asks for what
// there is, so that a slow message does not keep others from coming; with others under way it pays to wait.
static int next_most(const struct receiver *receiver, int64_t room) {
    int64_t free_room = room - receiver->reserved;
    if (free_room >= receiver->per_answer) {
        return receiver->per_answer;
    }
    return receiver->count == 0 && free_room > 0 ? (int)free_room : 0;
}

void receiver_pump(struct receiver *receiver, int64_t room) {
    int receives = receiver->flowing ? receiver->most : 1;
    if (receiver->stopped || evtimer_pending(receiver->timer, NULL)) {
        return;
    }
    while (receiver->count < receives && next_most(receiver, room) > 0) {
        send_receive(receiver, next_most(receiver, room));
    }
}
