"""Knowledge: the list and the editor. What a rule would have matched is told by the incidents."""

from __future__ import annotations

from django.urls import path

from knowledge import editing, views

urlpatterns = [
    # /knowledge/
    path("knowledge/", views.entries, name="knowledge"),
    path("knowledge/preview/", views.preview, name="knowledge-preview"),
    path("knowledge/new/", editing.new, name="knowledge-new"),
    path("knowledge/new/keep/", editing.keep, name="knowledge-keep-new"),
    path("knowledge/new/discard/", editing.discard, name="knowledge-discard-new"),
    # /knowledge/<pk>/
    path("knowledge/<int:pk>/", views.entry, name="knowledge-entry"),
    path("knowledge/<int:pk>/save/", editing.save, name="knowledge-save"),
    path("knowledge/<int:pk>/keep/", editing.keep, name="knowledge-keep"),
    path("knowledge/<int:pk>/discard/", editing.discard, name="knowledge-discard"),
    path("knowledge/<int:pk>/sign/", editing.sign, name="knowledge-sign"),
    path("knowledge/<int:pk>/archive/", editing.archive, name="knowledge-archive"),
    path("knowledge/<int:pk>/restore/", editing.restore, name="knowledge-restore"),
    path("knowledge/<int:pk>/versions/<int:number>/", views.version, name="knowledge-version"),
    path(
        "knowledge/<int:pk>/versions/<int:number>/restore/", editing.restore_version, name="knowledge-restore-version"
    ),
]
