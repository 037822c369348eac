"""Notes about an asset are entries with a rule from here on."""

from django.db import migrations


def copy(apps, schema_editor):
    Entry, Revision = apps.get_model("knowledge", "Entry"), apps.get_model("knowledge", "Revision")
    for note in apps.get_model("knowledge", "Annotation").objects.order_by("pk").iterator():
        title = " ".join(note.text.split()).split(". ")[0][:80] or note.asset[:80]
        escaped = note.asset.replace('"', '\\"')
        texts = {"title": title, "rule": f'asset = "{escaped}"', "body": note.text}
        made = Entry.objects.create(
            kind="annotation", state="archived" if note.archived_at else "signed", author=note.author,
            owner=note.author, signed_by=note.author, incident_number=note.incident_number,
            created_at=note.created_at, anchors=[f"asset:{note.asset.lower()}"[:300]],
            words=f"{note.asset}\n{note.text}", **texts,
        )
        Revision.objects.create(entry=made, number=1, by=note.author, at=note.created_at, door="web", **texts)


class Migration(migrations.Migration):

    dependencies = [
        ('knowledge', '0002_entries'),
    ]

    operations = [
        migrations.RunPython(copy, migrations.RunPython.noop),
        migrations.DeleteModel(
            name='Annotation',
        ),
    ]
