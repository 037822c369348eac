with paid as (
    select paid_on as revenue_date, count(*) as payment_count, sum(paid_usd) as gross_usd
    from {{ ref('int_payments_usd') }}
    group by 1
),

returned as (
    select refunded_on as revenue_date, sum(refund_usd) as returned_usd
    from {{ ref('int_refunds_usd') }}
    group by 1
)

select
    paid.revenue_date,
    paid.payment_count,
    cast(paid.gross_usd as decimal(18, 2)) as gross_usd,
    cast(coalesce(returned.returned_usd, 0) as decimal(18, 2)) as returned_usd,
    cast(paid.gross_usd - coalesce(returned.returned_usd, 0) as decimal(18, 2)) as net_usd
from paid
left join returned using (revenue_date)
order by 1
