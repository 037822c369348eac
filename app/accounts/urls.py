"""Signing in, people, tokens."""

from __future__ import annotations

from django.urls import path

from app.accounts import organisation, own, views
from app.accounts.setup import setup
from app.accounts.sign_in import SignIn, SignOut, Welcome, second
from app.accounts.step_up import step_up

urlpatterns = [
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("sign-in/second/", second, name="sign-in-second"),
    path("sign-in/oidc/", organisation.to_sign_in, name="sign-in-oidc"),
    path("sign-in/oidc/back/", organisation.back, name="sign-in-oidc-back"),
    path("step-up/", step_up, name="step-up"),
    path("step-up/oidc/", organisation.to_step_up, name="step-up-oidc"),
    path("sign-out/", SignOut.as_view(), name="sign-out"),
    path("setup/", setup, name="setup"),
    path("welcome/<uidb64>/<token>/", Welcome.as_view(), name="welcome"),
    path("settings/sign-in/", own.page, name="own-sign-in"),
    path("settings/sign-in/begin/", own.begin, name="second-factor-begin"),
    path("settings/sign-in/confirm/", own.confirm, name="second-factor-confirm"),
    path("settings/sign-in/codes/", own.recovery_codes, name="recovery-codes"),
    path("settings/sign-in/remove/", own.remove, name="second-factor-remove"),
    path("settings/sign-in/end/", own.end, name="sessions-end"),
    path("settings/sign-in/link/", organisation.link, name="identity-link"),
    path("settings/people/", views.people_page, name="people"),
    path("settings/people/invite/", views.invite, name="people-invite"),
    path("settings/people/second-factor/", views.demand, name="second-factor-demand"),
    path("settings/people/<int:pk>/", views.change, name="people-change"),
    path("settings/tokens/", views.tokens_page, name="tokens"),
    path("settings/tokens/make/", views.make_token, name="tokens-make"),
    path("settings/tokens/<int:pk>/revoke/", views.revoke_token, name="tokens-revoke"),
]
