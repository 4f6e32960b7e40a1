/* task.c - a request's work on the loop's thread pool (admin_private.h). Who closes the admin object or removes the store waits
 * for it. */
#include "admin/admin_private.h"

bool mlc_admin_task_init(mlc_admin_task *task)
{
    atomic_init(&task->stop, false);
    if (uv_mutex_init(&task->mutex) != 0)
        return false;
    if (uv_cond_init(&task->over_cond) == 0)
        return true;
    uv_mutex_destroy(&task->mutex);
    return false;
}

void mlc_admin_task_destroy(mlc_admin_task *task)
{
    uv_mutex_destroy(&task->mutex);
    uv_cond_destroy(&task->over_cond);
}

static void on_work(uv_work_t *work)
{
    mlc_admin_task *const task = work->data;
    task->run(task);
    uv_mutex_lock(&task->mutex);
    task->over = true;
    uv_cond_signal(&task->over_cond);
    uv_mutex_unlock(&task->mutex);
}

static void on_work_over(uv_work_t *work, int status)
{
    mlc_admin_task *const task = work->data;
    (void)status;
    task->done(task, mlc_admin_call_end(&task->call));
}

static void abandon(mlc_admin_call *call)
{
    mlc_admin_task *const task = (mlc_admin_task *)(void *)call; /* call is its first member */
    atomic_store(&task->stop, true);
    if (uv_cancel((uv_req_t *)&task->work) == 0)
        return;
    uv_mutex_lock(&task->mutex);
    while (!task->over)
        uv_cond_wait(&task->over_cond, &task->mutex);
    uv_mutex_unlock(&task->mutex);
}

void mlc_admin_task_start(mlc_admin *admin, const mlc_store *store, mlc_http_req *req, mlc_admin_task *task)
{
    mlc_admin_call_begin(admin, store, req, &task->call);
    task->work.data = task;
    task->call.abandon = abandon;
    if (admin->opt.loop != NULL && uv_queue_work(admin->opt.loop, &task->work, on_work, on_work_over) == 0)
        return;
    task->run(task);
    task->done(task, mlc_admin_call_end(&task->call));
}
