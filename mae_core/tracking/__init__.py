"""MLflow kept in step with the store by one writer: training writes its journal, this package replays it.

    python -m mae_core.tracking sync [--home DIR] [--follow SECONDS]

The destination is MLFLOW_TRACKING_URI, else `HOME/mlflow.db`. Each run of the store becomes one MLflow run, whatever
the number of its attempts, found again by the tags `mae.signature` and `mae.origin`. Its evaluations lie under it,
and repeat what it was pre-trained with as parameters such as `pretrain.mask_ratio`.

There is one experiment for each scale and data set, `mae-SCALE-DATA`: numbers of different scales never stand side by
side, and a stage that several ablations share has one place. In it, each ablation has a shared view, a table of its
cells with the parameters that vary and the final metrics as columns. The experiment's description and the output of
`sync` link to it.

Why every point is there exactly once: a living attempt is replayed up to its last checkpoint, from where the next
would go on, and the rest when it has ended. A point sent again, because the writer was killed between sending and
noting so, has the key, step, time and value it had, and MLflow stores such a point once. Where an attempt goes on from
before what was replayed (a damaged checkpoint, a retry after a failure), the MLflow run is deleted and replayed anew.

A report lies with the run of its ablation's default row, as `report/ABLATION/`; the experiment's description links to
it.

A study of a sweep is a run too, and its trials lie under it, each with a link to the run of its stage; the room
`studies` reads them from what the sweep wrote down in `HOME/plans`.

Only `writer`, `database` and `recovery.recover` import MLflow, in a process of their own.
"""
