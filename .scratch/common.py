import sys; sys.path.insert(0,'.')
from datetime import *
from tests.world import *
from marketplace_sdk import *
import traceback
def T(name, **more):
    def deco(f):
        print('==',name)
        w=World('memory', MemoryLake(), **more)
        try: f(w)
        except Exception as e:
            traceback.print_exc(limit=-4)
        try: w.close()
        except BaseException as e: print('close',e)
        return f
    return deco
def tr(f,*a,**k):
    try:
        r=f(*a,**k); return r
    except MarketplaceError as e:
        print('   !',type(e).__name__,getattr(e,'code',''),e,'|',getattr(e,'problems','') or '', getattr(e,'existing','')); return None
