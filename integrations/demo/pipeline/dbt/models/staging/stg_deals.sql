select
    deal_id,
    account_id,
    account_name,
    segment,
    stage,
    deal_usd,
    closed_on
from {{ source('raw', 'deals') }}
