from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0004_own_signatures")]

    operations = [
        migrations.AddField(
            model_name="incident", name="reopened_at", field=models.DateTimeField(blank=True, null=True)
        ),
    ]
