import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('knowledge', '0006_plain_updates'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='word',
            name='word_near',
        ),
        migrations.AddIndex(
            model_name='word',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass('lexeme', name='gin_trgm_ops'), fastupdate=False, name='word_near'),
        ),
    ]
