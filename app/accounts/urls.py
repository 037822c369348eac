"""Signing in, people, tokens."""

from __future__ import annotations

from django.urls import path

from app.accounts import views
from app.accounts.sign_in import SignIn, SignOut, Welcome, setup

urlpatterns = [
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("sign-out/", SignOut.as_view(), name="sign-out"),
    path("setup/", setup, name="setup"),
    path("welcome/<uidb64>/<token>/", Welcome.as_view(), name="welcome"),
    path("settings/people/", views.people_page, name="people"),
    path("settings/people/invite/", views.invite, name="people-invite"),
    path("settings/people/<int:pk>/", views.change, name="people-change"),
    path("settings/tokens/", views.tokens_page, name="tokens"),
    path("settings/tokens/make/", views.make_token, name="tokens-make"),
    path("settings/tokens/<int:pk>/revoke/", views.revoke_token, name="tokens-revoke"),
]
