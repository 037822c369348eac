"""Where incidents and what people know meet."""

from __future__ import annotations

from django.urls import path

from incidents import knowledge_views

urlpatterns = [
    path("incidents/<int:number>/lesson/", knowledge_views.lesson_of, name="incident-lesson"),
    path("incidents/<int:number>/capture/", knowledge_views.capture, name="incident-capture"),
    path("knowledge/matches/", knowledge_views.rule_matches, name="knowledge-matches"),
]
