"""The routes and audit actions of jobs."""

from app.domain.jobs.controllers import JobController
from app.domain.module import Module

MODULE = Module(
    controllers=(JobController,),
    tags=("Jobs",),
    audit_actions={"job.retry": "A platform admin had a waiting or dead job tried again; `kind` says of which kind."},
)
