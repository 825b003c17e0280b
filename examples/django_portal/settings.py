"""Settings of a Django site with the marketplace in it."""

from __future__ import annotations

import os

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
ALLOWED_HOSTS = ["portal.example", "testserver"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "access"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # every view, unless it says no
    "access.middleware.refusals",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.sqlite3"}}
ROOT_URLCONF = "access.urls"
LOGIN_URL = "/sign-in"  # of your single sign-on
USE_TZ = True

# What `Marketplace(...)` takes.
MARKETPLACE = {
    "storage": "sqlite:///marketplace.db",
    "connections": {"lake": {"plugin": "memory"}},
    "links": {"request": "https://portal.example/requests/{id}"},
}
