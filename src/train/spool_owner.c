/* spool_owner.c: see spool_owner.h. */
#include "train/spool_owner.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "train/manifest.h"

#define OWNER_VERSION 1
#define OWNER_FILE "owner.json"

static void this_host(char out[65])
{
    memset(out, 0, 65);
    if (gethostname(out, 64) != 0)
        out[0] = '\0';
}

int spool_owner_write(const char *spool, const char *out, shoal_error *err)
{
    if (!view_is_utf8(view_of(out, strlen(out))))
        return 0; /* no JSON can say it: that spool is the user's to remove */
    char host[65], *path = mem_sprintf("%s/" OWNER_FILE, spool);
    this_host(host);
    json_t *j = path ? manifest_new("shoal-spool", OWNER_VERSION) : NULL;
    int rc = j ? manifest_put(j, "out", json_string(out), err) : error_nomem(err, 0, "the spool's owner");
    if (rc == 0)
        rc = manifest_put(j, "host", json_string(host), err);
    if (rc == 0)
        rc = manifest_put(j, "pid", json_integer(getpid()), err);
    if (rc == 0)
        rc = manifest_write(path, j, err);
    json_decref(j);
    mem_free(path);
    return rc;
}

static int is_left(const json_t *owner)
{
    char here[65];
    const char *out = json_string_value(json_object_get(owner, "out")), *host = json_string_value(json_object_get(owner, "host"));
    pid_t pid = (pid_t)json_integer_value(json_object_get(owner, "pid"));
    this_host(here);
    if (!out || !host || pid <= 0 || strcmp(host, here) != 0 || file_exists(out))
        return 0;
    return kill(pid, 0) != 0 && errno == ESRCH;
}

static void sweep_one(const char *spool)
{
    json_t *owner = NULL;
    char *path = mem_sprintf("%s/" OWNER_FILE, spool);
    if (path && manifest_read(path, "shoal-spool", OWNER_VERSION, &owner, NULL, NULL) == 0 && is_left(owner))
        (void)file_remove_tree(spool, NULL);
    json_decref(owner);
    mem_free(path);
}

void spool_owner_sweep(const char *dir)
{
    const char *local;
    DIR *d = file_local_path(dir, &local, NULL) == 0 ? opendir(local) : NULL;
    if (!d)
        return;
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        char *spool = strncmp(e->d_name, SPOOL_PREFIX, strlen(SPOOL_PREFIX)) == 0 ? mem_sprintf("%s/%s", local, e->d_name) : NULL;
        if (spool)
            sweep_one(spool);
        mem_free(spool);
    }
    closedir(d);
}
