from common import *

@T('form edited while waits; extension under new form; same name version')
def _(w):
    f=w.form(any_of(LEGAL)); p=w.publish(form=f); r=w.ask(p)
    w.market.forms.edit(f,questions=[Question.short_answer('other','?')],review=any_of(PRIVACY),by='dee')
    tr(w.market.requests.approve,r.id,reason='x',by='cy')
    tr(w.market.requests.revoke,r.id,reason='x',by='cy')
    print(tr(w.market.requests.get,r.id,by='cy'))
    w.approve(r,'ana',until=timedelta(days=2))
    print('cy revoke sees'); tr(w.market.requests.get,r.id,by='cy') and print('cy reads answers', w.market.requests.get(r.id,by='cy').answers)
    tr(w.market.requests.extend,r.id,answers={'why':'x'},by='con')
    e=tr(w.market.requests.extend,r.id,answers={'other':'x'},by='con'); print(e.state); tr(w.market.requests.approve,e.id,reason='x',by='ana'); print(w.approve(e,'cy').state)

@T('suspended while pending')
def _(w):
    p=w.publish(all_of(TEAM,GOV)); r=w.ask(p); w.approve(r,'fay'); w.market.products.suspend(p.id,reason='x',by='dee'); w.approve(r,'gil',until=timedelta(days=1)); w.deliver()
    print(w.reads('con'), w.market.grants.of('con',by='con').items[0].state, w.market.products.get(p.id,by='con').status)
    tr(w.market.products.suspend,p.id,reason='x',by='dee')
    w.clock.advance(days=1); w.deliver(); print(w.state(r)); w.market.products.resume(p.id,by='dee'); w.deliver(); print(w.reads('con'))
    tr(w.market.products.resume,p.id,by='dee')

@T('clock jumps')
def _(w):
    p=w.publish(any_of(LEGAL)); r=w.ask(p); w.approve(r,'ana',until=timedelta(days=2)); w.deliver()
    w.clock.advance(days=400); print(w.state(r)); w.deliver(); print(w.reads('con'),w.told('con'))
    x=w.market.requests.get(r.id,by='con'); print(x.until,x.ended_at,x.state,x.cause)

@T('time zones')
def _(w):
    from zoneinfo import ZoneInfo
    w.clock.set(datetime(2026,3,28,12,tzinfo=UTC))
    z=ZoneInfo('Europe/Berlin')
    p=w.publish(any_of(LEGAL)); r=w.ask(p); x=w.approve(r,'ana',until=datetime(2026,3,29,3,30,tzinfo=z)); print(x.until)
    r=w.ask(p,by='pat'); x=w.approve(r,'ana',until=Duration(1,'days')); print(x.until)
    p=w.publish(any_of(LEGAL)); r=w.ask(p);
    tr(w.market.requests.approve,r.id,reason='x',until=datetime(2026,3,29),by='ana')
    tr(w.market.requests.approve,r.id,reason='x',until=datetime(2026,3,28,12,tzinfo=UTC),by='ana')
    tr(w.market.requests.approve,r.id,reason='x',until=timedelta(0),by='ana')
    tr(w.market.requests.approve,r.id,reason='x',until=timedelta(days=1.5),by='ana')
    tr(w.market.requests.approve,r.id,reason='x',until=5,by='con')

@T('past window of earlier approver')
def _(w):
    p=w.publish(all_of(LEGAL,PRIVACY)); r=w.ask(p); w.approve(r,'ana',until=w.clock()+timedelta(days=1)); w.clock.advance(days=2)
    tr(w.market.requests.approve,r.id,reason='x',by='cy')
    print(w.market.requests.explain(r.id,by='cy'))

@T('approve shorter than asked, wish shown')
def _(w):
    f=w.form(any_of(LEGAL),questions=[Question.access_duration('long')]); p=w.publish(form=f)
    r=w.ask(p,answers={'long':{'amount':6,'unit':'MONTHS'}}); print(r.wish, w.market.requests.get(r.id,by='ana').wish)
    print(w.market.requests.explain(r.id,by='ana'))
    for bad in ({'amount':0,'unit':'days'},{'amount':1.5,'unit':'days'},{'amount':True,'unit':'days'},{'amount':5,'unit':'fortnights'},{'amount':5},'5 days',[],{},{'amount':10**20,'unit':'days'},{'amount':60,'unit':'seconds'},timedelta(0), Duration(1,'days'), timedelta(days=3)):
        x=tr(w.ask,p,by='pat',answers={'long':bad}); 
        if x: print(bad,x.answers, x.wish); w.market.requests.cancel(x.id,by='pat')
    x=w.approve(r,'ana'); print('no end given by steward: until', x.until)
    
@T('hostile answers')
def _(w):
    qs=[Question.short_answer('s','s',required=False),Question.dropdown('d','d',options=['a','b'],required=False),Question.checkboxes('c','c',options=['a','b'],required=False)]
    f=w.form(any_of(LEGAL),questions=qs); p=w.publish(form=f)
    class S(str): pass
    nested=[]
    for _ in range(5000): nested=[nested]
    for a in ({'s':'x'*20001},{'s':'x\0y'},{'s':'\ud800'},{'s':'  '},{'s':'\u202egpj'},{'s':'\U0001F600 עברית'},{'s':5},{'s':['a']},{'s':nested},{'s':b'x'},{'s':S('ok')},{'d':'c'},{'d':['a']},{'d':''},{'d':S('a')},{'c':'a'},{'c':['a','a']},{'c':['a','z']},{'c':['b','a']},{'c':[['a']]},{'c':{'a':1}},{'c':nested},{5:'x'},{None:1},{'s':None},[],'x',{'s':{'x':nested}},{'x'*100000:'1'}):
        x=tr(w.ask,p,by='pat',answers=a)
        if x: print('ok',ascii(str(a))[:60],ascii(str(x.answers))[:60]); w.market.requests.cancel(x.id,by='pat')
