select
    ordered_on as revenue_date,
    case sales_channel
        when 'web' then 'Web shop'
        when 'app' then 'Mobile app'
        else 'Partners'
    end as channel_label,
    count(*) as order_count,
    cast(sum(order_usd) as decimal(18, 2)) as gross_usd
from {{ ref('fct_orders') }}
group by 1, 2
order by 1, 2
