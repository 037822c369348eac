select
    rate_date,
    currency,
    usd_rate
from {{ source('raw', 'rates') }}
