package view_test
import ("testing";"fmt")
func TestOv(t *testing.T){
 for _,rw:=range []bool{false,true} {
 f:=newFixture(t)
 for i:=range 100 { f.file(fmt.Sprintf("d/f%d",i),"x")}
 f.file("e/a","x")
 f.file("e/sub/b","x")
 m:=f.mountWith(mountOptions{writable: rw})
 ov:=t.TempDir()
 sh(t, `mkdir $2/u $2/w $2/m; mount -t overlay -o lowerdir=$1,upperdir=$2/u,workdir=$2/w,xino=on,redirect_dir=on,metacopy=off,index=off,volatile ov $2/m`, m.dir, ov)
 t.Cleanup(func(){ sh(t, `umount $1/m`, ov)})
 fmt.Println(rw, "read all", m.requestsDuring(func(){ sh(t, `cat $1/m/d/* >/dev/null`, ov)}))
 fmt.Println(rw, "stat all", m.requestsDuring(func(){ sh(t, `stat $1/m/d/* >/dev/null`, ov)}))
 fmt.Println(rw, "again", m.requestsDuring(func(){ sh(t, `cat $1/m/d/* >/dev/null; stat $1/m/d/* >/dev/null; ls -l $1/m/d >/dev/null`, ov)}))
 fmt.Println(rw, "again", m.requestsDuring(func(){ sh(t, `cat $1/m/d/* >/dev/null; stat $1/m/d/* >/dev/null; ls -l $1/m/d >/dev/null`, ov)}))
 fmt.Println(rw, "create", m.requestsDuring(func(){ sh(t, `for i in 1 2 3 4 5; do echo a > $1/m/d/new$i; done`, ov)}))
 fmt.Println(rw, "list", m.requestsDuring(func(){ sh(t, `ls $1/m/d >/dev/null`, ov)}))
 fmt.Println(rw, "list", m.requestsDuring(func(){ sh(t, `ls $1/m/d >/dev/null`, ov)}))
 fmt.Println(rw, "copyup", m.requestsDuring(func(){ fmt.Print(sh(t, `stat -c %i $1/m/d/f1; echo x >> $1/m/d/f1; stat -c %i $1/m/d/f1; echo 2 > /proc/sys/vm/drop_caches; stat -c %i $1/m/d/f1; stat -c "%d %i" $1/m/d/f2`, ov))}))
 fmt.Println(rw, "mv dir", m.requestsDuring(func(){ fmt.Print(sh(t, `mv $1/m/e $1/m/ee; ls -lR $1/m/ee`, ov))}))
 }
}
