"""Where the views are."""

from __future__ import annotations

from django.urls import path

from access import views

urlpatterns = [
    path("products", views.products),
    path("products/<str:id>/requests", views.ask),
    path("queue", views.queue),
    path("requests/<str:id>", views.explain),
    path("requests/<str:id>/decision", views.decide),
]
