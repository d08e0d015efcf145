/* queue.c: a bounded queue of pointers between two stages. */
#include <pthread.h>

#include "base/mem.h"
#include "base/thread.h"

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t has_room, has_item;
    size_t capacity, first, count;
    int closed;
    void *item[];
};

queue *queue_new(size_t capacity)
{
    if (capacity == 0)
        capacity = 1;
    if (capacity > SIZE_MAX / sizeof(void *) / 2)
        return NULL;
    queue *q = mem_calloc(1, sizeof *q + capacity * sizeof q->item[0]);
    if (q == NULL)
        return NULL;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->has_room, NULL);
    pthread_cond_init(&q->has_item, NULL);
    q->capacity = capacity;
    return q;
}

void queue_free(queue *q)
{
    if (q == NULL)
        return;
    pthread_cond_destroy(&q->has_item);
    pthread_cond_destroy(&q->has_room);
    pthread_mutex_destroy(&q->lock);
    mem_free(q);
}

int queue_push(queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    while (!q->closed && q->count == q->capacity)
        pthread_cond_wait(&q->has_room, &q->lock);
    int rc = q->closed ? -1 : 0;
    if (rc == 0) {
        q->item[(q->first + q->count++) % q->capacity] = item;
        pthread_cond_signal(&q->has_item);
    }
    pthread_mutex_unlock(&q->lock);
    return rc;
}

int queue_pop(queue *q, void **item)
{
    pthread_mutex_lock(&q->lock);
    while (!q->closed && q->count == 0)
        pthread_cond_wait(&q->has_item, &q->lock);
    int found = q->count > 0;
    if (found) {
        *item = q->item[q->first];
        q->first = (q->first + 1) % q->capacity;
        q->count--;
        pthread_cond_signal(&q->has_room);
    }
    pthread_mutex_unlock(&q->lock);
    return found;
}

void queue_close(queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = 1;
    pthread_cond_broadcast(&q->has_room);
    pthread_cond_broadcast(&q->has_item);
    pthread_mutex_unlock(&q->lock);
}
