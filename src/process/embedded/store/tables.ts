/** The engine's tables. A migration that was released is never edited, not even the file names in it; a change is a new one at the end. */

export const migrations: readonly string[] = [
  `
  -- One row per run; small, since it is updated. Input and output stand in the history.
  create table runs (
    id text primary key,
    process text not null,
    key text not null,
    input_hash text not null,
    version text not null,
    status text not null,
    origin text not null,
    reason text,
    -- Of a parked run (causes.ts).
    cause text,
    created integer not null,
    updated integer not null,
    -- When it ended; null again once its history is gone. A column, since a list of statuses in the condition of an index is put
    -- together anew for each row that is written.
    ended integer,
    history_gone integer not null default 0,
    -- Of a run that was restarted: the new one. The key means the run where it is empty.
    restarted_as text not null default '',
    restart_of text,
    -- Of a run whose process has limits: the key it counts for, and what it counts in now (store-gates.ts).
    lane text,
    place integer,
    -- Whether other runs wait for its end (table parents).
    awaited integer not null default 0
  ) strict, without rowid;
  create unique index runs_by_key on runs (process, key, restarted_as);
  -- For lists: a page of a status comes in order, and the process is seen without looking at the row.
  create index runs_by_status on runs (status, id, process);
  create index runs_by_cause on runs (cause, process, updated) where cause is not null;
  -- For retention: what has ended, by process, oldest first; and what only its key is left of.
  create index runs_kept on runs (process, ended) where ended is not null;
  create index runs_gone on runs (process, updated) where history_gone = 1;
  -- For places that are lent (store-lending.ts): who has one, and who is queued and waited for.
  create index runs_placed on runs (process, lane, id) where place > 0;
  create index runs_awaited on runs (process, lane) where awaited = 1 and status = 'queued';

  -- How many runs that have ended are kept: counting a million rows at each look at the metrics would take too long.
  create table run_totals (
    process text not null,
    status text not null,
    runs integer not null,
    primary key (process, status)
  ) strict, without rowid;
  create trigger run_totals_down after delete on runs
    when old.status in ('completed', 'rejected', 'undone', 'cancelled', 'terminated')
    begin
      update run_totals set runs = runs - 1 where process = old.process and status = old.status;
    end;

  -- Row 0 is the start. The index fences a late writer off. A table with row ids: rows are appended side by side, and a row of a
  -- few kilobytes stays in its page (without row ids SQLite would move everything above a quarter page into pages of its own).
  create table history (
    id integer primary key,
    run text not null,
    seq integer not null,
    body text not null,
    -- Of the row's place and text (row-sum.ts).
    sum integer not null
  ) strict;
  create unique index history_by_run on history (run, seq);

  -- Values that are too large for a history, in parts; the rows of the history name them by their hashes.
  create table stored_values (
    id integer primary key,
    run text not null,
    hash text not null,
    part integer not null,
    body text not null
  ) strict;
  create unique index stored_values_by_run on stored_values (run, hash, part);

  -- Keys that encrypted something here, by id, with a text that only the key opens.
  create table encryption_keys (id text primary key, proof text not null, since integer not null) strict, without rowid;

  -- What is to be delivered to a run and not yet in its history: signals, timers, answers, operators' acts.
  create table inbox (
    id integer primary key,
    run text not null,
    n integer not null,
    kind text not null,
    body text not null,
    -- Of a signal: its row, so that it can be given back.
    signal integer
  ) strict;
  create index inbox_by_run on inbox (run);

  -- Limits of processes: one row for each that has or had some, one for each key with something queued or under way, one for each run
  -- that waits for its turn. Rates are counted by when their bucket would be empty.
  create table gates (
    process text primary key,
    queued integer not null,
    taken integer not null,
    round integer not null,
    joined integer not null,
    rate_at real not null,
    limits text not null
  ) strict, without rowid;
  create table lanes (
    process text not null,
    lane text not null,
    queued integer not null,
    taken integer not null,
    turn integer not null,
    rate_at real not null,
    open integer not null,
    primary key (process, lane)
  ) strict, without rowid;
  create index lanes_open on lanes (process, turn) where open = 1;
  create table queue (
    process text not null,
    lane text not null,
    seq integer not null,
    run text not null,
    primary key (process, lane, seq)
  ) strict, without rowid;
  create unique index queue_by_run on queue (run);

  -- What runs show of themselves, where they do.
  create table run_states (
    run text primary key,
    value text not null,
    at integer not null
  ) strict;
  -- Starts that follow the end of a run that is being restarted.
  create table restarts (
    run text primary key,
    body text not null
  ) strict, without rowid;

  -- Acts on many runs. The runs below before are still to be done.
  create table bulk_jobs (
    id text primary key,
    filter text not null,
    act text not null,
    actor text not null,
    total integer not null,
    before text not null,
    created integer not null,
    ended integer,
    stopped integer not null default 0,
    done integer not null default 0,
    refused integer not null default 0
  ) strict, without rowid;
  create table bulk_refusals (
    job text not null,
    run text not null,
    code text not null,
    message text not null,
    primary key (job, run)
  ) strict, without rowid;

  -- Schedules: ticks up to "last" were handled, the tick "started" by the run.
  create table schedules (
    name text primary key,
    definition text not null,
    last integer not null,
    started integer,
    run text,
    problem text,
    problem_at integer,
    paused_at integer,
    paused_by text,
    paused_reason text
  ) strict, without rowid;

  create table timers (
    due integer not null,
    run text not null,
    n integer not null,
    primary key (due, run, n)
  ) strict, without rowid;
  create index timers_by_run on timers (run);

  -- Events that came. A row stays after its use, so that a second delivery is known.
  create table signals (
    id integer primary key,
    event text not null,
    delivery text not null,
    key text not null,
    payload text,
    at integer not null,
    -- Who got it, or by whose rule it was dropped.
    run text,
    dropped integer not null default 0,
    unique (event, delivery)
  ) strict;
  create index signals_by_time on signals (at);
  create index signals_waiting on signals (event, key) where run is null;

  -- Where the last receive of an event and key said that late ones are dropped; over: from now on they are late.
  create table late_rules (
    event text not null,
    key text not null,
    run text not null,
    n integer not null,
    over integer not null default 0,
    primary key (event, key)
  ) strict, without rowid;
  create index late_rules_by_run on late_rules (run, n);

  -- Runs that wait for an event; who waits longest gets it. since: a time in microseconds, made so that no two are the same.
  create table waits (
    event text not null,
    key text not null,
    since integer not null,
    run text not null,
    n integer not null,
    due integer,
    primary key (event, key, since, run, n)
  ) strict, without rowid;
  create index waits_by_run on waits (run, n);

  -- Runs that wait for the end of another.
  create table parents (
    child text not null,
    run text not null,
    n integer not null,
    primary key (child, run, n)
  ) strict, without rowid;
  create index parents_by_run on parents (run, child);

  create table tasks (
    id text primary key,
    run text not null,
    n integer not null,
    process text not null,
    run_key text not null,
    name text not null,
    title text not null,
    assign text not null,
    input text not null,
    form text not null,
    status text not null,
    created integer not null,
    due integer,
    answered_by text,
    answered_at integer
  ) strict, without rowid;
  create index tasks_by_status on tasks (status, created);
  create index tasks_by_run on tasks (run);
  `,
  `
  -- Histories name their runs by numbers: an id of 20 characters stood in each row and again in each entry of the index, and a commit
  -- wrote more pages for it. The checksums stay what they are: they are of the id.
  -- Null once the history is gone: whatever number is in use is in the history's index, whose largest tells the next one.
  alter table runs add column number integer;
  update runs set number = numbered.number from (
    select id, row_number() over (order by id) as number from runs where exists (select 1 from history where history.run = runs.id)
  ) as numbered where runs.id = numbered.id;

  alter table history rename to history_by_id;
  create table history (
    id integer primary key,
    -- The run's number.
    run integer not null,
    seq integer not null,
    body text not null,
    -- Of the row's place and text, where the place is the run's id and seq.
    sum integer not null
  ) strict;
  insert into history (id, run, seq, body, sum)
    select old.id, runs.number, old.seq, old.body, old.sum from history_by_id as old join runs on runs.id = old.run order by old.id;
  drop table history_by_id;
  create unique index history_by_run on history (run, seq);
  `,
];
