select
    closed_on,
    segment,
    count(*) as deal_count,
    sum(deal_usd) as won_usd
from {{ ref('stg_deals') }}
where stage = 'won'
group by 1, 2
order by 1, 2
